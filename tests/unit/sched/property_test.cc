// SPDX-License-Identifier: MIT
// Random programs over two rings, with the invariants of drm_sched checked as they run.
#include <map>
#include <random>
#include <source_location>

#include <rapidcheck.h>

#include "base/log.h"
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

struct Step {
  uint8_t verb;
  uint32_t a;
  uint32_t b;
  uint32_t c;
};

struct Config {
  uint64_t seed;
  size_t policy;
  bool second_in_order;
  uint32_t credit_limit;
  Nanos timeout;
};

// What the test knows about a job, from watching its fences.
struct Record {
  struct Watch final : fence::Callback {
    void fence_signaled(fence::Fence& fence) override { signaled(fence); }
    std::function<void(fence::Fence&)> signaled;
  };

  TestJobRef job;
  size_t ring = 0;
  uint64_t context = 0;
  bool behind_fini = false;  // finished by fini, which waits for nothing
  int scheduled = 0;
  int finished = 0;
  int error = 0;
  Watch on_scheduled;
  Watch on_finished;
};

class Program {
 public:
  explicit Program(const Config& config) : world_(config.seed) {
    for (size_t i = 0; i < 2; ++i) {
      SchedulerOptions options{.name = fmt::format("ring{}", i),
                               .credit_limit = config.credit_limit,
                               .timeout = config.timeout,
                               .in_order = i == 0 || config.second_in_order};
      rings_.push_back(std::make_unique<MockRing>(
          world_, options, policy_names()[config.policy % policy_names().size()]));
      MockRing& ring = *rings_.back();
      ring.on_run = [this, i](TestJob& job) { check_run(i, job); };
      ring.on_timeout = [this, i](TestJob& job) { return recover(i, &job); };
    }
  }

  void run(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      apply(step);
      check_rest();
      if (broken_at_ != 0) break;
    }
    finish();
    if (broken_at_ != 0) RC_FAIL(fmt::format("the requirement in line {}", broken_at_));
  }

 private:
  // Noted rather than thrown: most are checked inside callbacks.
  void require(bool holds, std::source_location where = std::source_location::current()) {
    if (!holds && broken_at_ == 0) broken_at_ = where.line();
  }

  Scheduler& scheduler(size_t ring) { return rings_[ring]->scheduler(); }

  void apply(const Step& step) {
    switch (step.verb) {
      case 0:
        add_entity(step);
        break;
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        add_job(step);
        break;
      case 6:
        kill(step);
        break;
      case 7:
        if (Entity* entity = any_entity(step.a)) {
          entity->set_priority(static_cast<Priority>(step.b % kPriorities));
        }
        break;
      case 8:
        if (!foreign_.empty()) foreign_[step.a % foreign_.size()]->signal(world_.now());
        break;
      case 9:
        stop_or_start(step);
        break;
      case 10:
        rings_[step.a % 2]->advance(1 + step.b % 3);
        break;
      case 11:
        if (step.b % 16 == 0) fini(step.a % 2);
        break;
      case 12:
        scheduler(step.a % 2)
            .set_policy(std::move(*make_policy(policy_names()[step.b % policy_names().size()])));
        break;
      case 13:
        if (!records_.empty()) urge(*records_[step.a % records_.size()], step);
        break;
      default:
        run_for(step.a % 40);
    }
  }

  void urge(Record& record, const Step& step) {
    if (step.b % 2) record.job->finished()->set_deadline(world_.now() + step.c % 100);
    fence::Urgency urgency{.waited = true};
    if (step.b % 2 == 0) record.job->finished()->urge(urgency);
  }

  void add_entity(const Step& step) {
    Scheduler* const schedulers[] = {&scheduler(step.a % 2), &scheduler((step.a + 1) % 2)};
    const std::span<Scheduler* const> some(schedulers, 1 + step.c % 2);
    entities_.push_back(std::move(*Entity::create(static_cast<Priority>(step.b % kPriorities), some,
                                                  world_.client(entities_.size()))));
  }

  Entity* any_entity(uint32_t pick) {
    return entities_.empty() ? nullptr : entities_[pick % entities_.size()].get();
  }

  void add_job(const Step& step) {
    Entity* entity = any_entity(step.a);
    if (!entity) return;
    std::mt19937 random(step.b);
    const Nanos duration = random() % 8 == 0 ? TestJob::kUntilAdvanced : random() % 20;
    auto record = std::make_unique<Record>();
    record->job = base::make_ref<TestJob>(world_, *entity, duration, random() % 6);
    constexpr Outcome kOutcomes[] = {Outcome::kExecutes,        Outcome::kExecutes,
                                     Outcome::kExecutes,        Outcome::kNothingToDo,
                                     Outcome::kAlreadySignaled, Outcome::kFails};
    record->job->outcome = kOutcomes[random() % std::size(kOutcomes)];
    for (uint32_t i = 0; i < step.c % 4; ++i) record->job->add_dependency(any_fence(random()));
    record->job->arm();
    watch(*record, *entity);
    records_.push_back(std::move(record));
    Record& pushed = *records_.back();
    pushed.behind_fini = finished_[pushed.ring];
    pushed.job->push(world_.now());
  }

  fence::FenceRef any_fence(uint32_t pick) {
    if (pick % 5 == 0 || records_.empty()) {
      if (pick % 2 == 0 || foreign_.empty()) foreign_.push_back(world_.foreign_fence());
      return foreign_[pick / 16 % foreign_.size()];
    }
    const Record& record = *records_[pick / 16 % records_.size()];
    return pick % 3 == 0 ? record.job->scheduled() : record.job->finished();
  }

  void watch(Record& record, Entity& entity) {
    record.ring = entity.scheduler() == &scheduler(0) ? 0 : 1;
    record.context = entity.fence_context();
    record.on_scheduled.signaled = [this, &record](fence::Fence& fence) {
      require(record.finished == 0);  // I2
      ++record.scheduled;
      require(fence.seqno() == ++last_scheduled_[record.context]);  // I1
      const bool emitted = record.job->runs > 0 && (record.job->outcome == Outcome::kExecutes);
      require(!emitted || record.job->parent());
    };
    record.on_finished.signaled = [this, &record](fence::Fence& fence) {
      require(record.scheduled == 1);  // I2
      require(++record.finished == 1);
      require(fence.seqno() == ++last_finished_[record.context]);  // I1
      require(record.job->frees == 0);
      record.error = fence.error();
      if (record.job->runs == 0 && record.error == -ESRCH && !record.behind_fini &&
          !finished_[record.ring]) {
        for (const auto& dependency : record.job->dependencies()) {
          require(at_rest(*dependency));
        }
      }
    };
    require(record.job->scheduled()->add_callback(record.on_scheduled) == 0);
    require(record.job->finished()->add_callback(record.on_finished) == 0);
  }

  const Record* record_of(const fence::Fence& fence) const {
    for (const auto& record : records_) {
      if (record->job->scheduled().get() == &fence) return record.get();
      if (record->job->finished().get() == &fence) return record.get();
    }
    return nullptr;
  }

  bool at_rest(const fence::Fence& fence) const {
    const Record* record = record_of(fence);
    return record ? record->job->is_finished() : fence.test_signaled();
  }

  // Section 1.10: whether `dependency` lets a job of `context` run on `ring`.
  bool satisfied(const fence::Fence& dependency, size_t ring, uint64_t context) {
    if (dependency.test_signaled()) return true;
    const Record* record = record_of(dependency);
    if (!record || !scheduler(ring).options().in_order) return false;
    if (record->context == context) return true;
    return record->ring == ring && record->job->is_scheduled() && record->job->error() == 0;
  }

  void check_run(size_t ring, TestJob& job) {
    require(!scheduler(ring).stopped());  // I9
    require(!finished_[ring]);
    require(job.runs == 1);
    const uint64_t context = job.scheduled()->context();
    require(job.scheduled()->seqno() == ++last_run_[context]);  // I1
    for (const auto& dependency : job.dependencies()) {
      require(satisfied(*dependency, ring, context));  // I3
    }
    require(scheduler(ring).credits_in_flight() <= scheduler(ring).options().credit_limit);
    for (const auto& record : records_) {  // I7
      if (record->context == context && record->job->runs > 0 && !record->job->is_finished()) {
        require(record->ring == ring);
      }
    }
  }

  // Between any two events.
  void check_rest() {
    for (size_t ring = 0; ring < 2; ++ring) {
      uint32_t credits = 0;
      scheduler(ring).for_each_pending([&](Job& job) { credits += job.credits(); });
      if (scheduler(ring).stopped()) credits = 0;
      require(scheduler(ring).credits_in_flight() == credits);  // I4
      if (finished_[ring] || scheduler(ring).stopped() || rings_[ring]->kick_pending()) continue;
      if (credits > 0) continue;
      require(scheduler(ring).policy().ready() == 0u);  // I8
      for (const auto& record : records_) {
        if (record->ring == ring && is_runnable_head(*record))
          require(false);  // an idle ring, a ready job
      }
    }
  }

  bool is_runnable_head(const Record& record) {
    const TestJob& job = *record.job;
    if (job.state() != JobState::kQueued || !job.entity()) return false;
    if (job.scheduled()->seqno() != last_run_[record.context] + 1) return false;
    for (const auto& dependency : job.dependencies()) {
      if (!satisfied(*dependency, record.ring, record.context)) return false;
    }
    return true;
  }

  void kill(const Step& step) {
    if (entities_.empty() || step.b % 4 != 0) return;
    const size_t at = step.a % entities_.size();
    entities_[at]->kill(world_.now());
    if (step.c % 2) entities_.erase(entities_.begin() + static_cast<ptrdiff_t>(at));
  }

  void stop_or_start(const Step& step) {
    const size_t ring = step.a % 2;
    if (!scheduler(ring).stopped()) {
      scheduler(ring).stop(world_.now());
      return;
    }
    restart(ring, step.b);
  }

  void restart(size_t ring, uint32_t choices) {
    rings_[ring]->drop_emissions();
    std::mt19937 random(choices);
    scheduler(ring).for_each_pending([&](Job& base) {
      auto& job = static_cast<TestJob&>(base);
      const uint32_t choice = random() % 4;
      if (choice < 2) scheduler(ring).reattach(job, rings_[ring]->emit(job));
      if (choice == 2) scheduler(ring).fail_pending(job, -EIO);
    });
    scheduler(ring).start(world_.now(), -ECANCELED);
  }

  TimeoutVerdict recover(size_t ring, TestJob* hung) {
    require(!hung->is_finished());
    require(hung->frees == 0);  // I6
    require(world_.now() - hung->started_at() >= scheduler(ring).options().timeout);
    scheduler(ring).stop(world_.now());
    scheduler(ring).for_each_pending([&](Job& job) {
      if (&job == hung) scheduler(ring).fail_pending(job, -ETIME);
    });
    rings_[ring]->drop_emissions();
    scheduler(ring).for_each_pending([&](Job& base) {
      auto& job = static_cast<TestJob&>(base);
      if (&job != hung) scheduler(ring).reattach(job, rings_[ring]->emit(job));
    });
    scheduler(ring).start(world_.now(), -ECANCELED);
    return TimeoutVerdict::kReset;
  }

  void run_for(Nanos span) {
    const Nanos end = world_.now() + span;
    while (!world_.executor.idle() && world_.executor.next_event() <= end) {
      world_.executor.step();
      check_rest();
    }
    world_.executor.run_until(end);
  }

  void fini(size_t ring) {
    finished_[ring] = true;
    scheduler(ring).fini(world_.now(), -ENODEV);
  }

  void finish() {
    run_for(200);
    fini(0);
    fini(1);
    for (const auto& record : records_) {
      require(record->scheduled == 1);
      require(record->finished == 1);                  // I5
      require(record->job->frees == 1);                // I6
      require(record->job->error() == record->error);  // I14
      require(record->job->ref_count() == 1u);
    }
    for (size_t ring = 0; ring < 2; ++ring) {
      require(scheduler(ring).credits_in_flight() == 0u);
      require(scheduler(ring).score() == 0u);
    }
    entities_.clear();
    records_.clear();
    require(world_.live_jobs == 0);  // I12
    for (const auto& fence : foreign_) require(fence->ref_count() == 1u);
  }

  uint32_t broken_at_ = 0;
  World world_;
  std::vector<std::unique_ptr<MockRing>> rings_;
  std::vector<std::unique_ptr<Entity>> entities_;
  std::vector<std::unique_ptr<Record>> records_;
  std::vector<base::Ref<fence::ManualFence>> foreign_;
  std::map<uint64_t, uint64_t> last_run_;
  std::map<uint64_t, uint64_t> last_scheduled_;
  std::map<uint64_t, uint64_t> last_finished_;
  bool finished_[2] = {false, false};
};

void check_programs(Nanos timeout) {
  base::set_log_level(base::LogLevel::kError);  // truncated credits are part of it
  const auto step =
      rc::gen::construct<Step>(rc::gen::inRange<uint8_t>(0, 17), rc::gen::arbitrary<uint32_t>(),
                               rc::gen::arbitrary<uint32_t>(), rc::gen::arbitrary<uint32_t>());
  EXPECT_TRUE(rc::check([&] {
    const Config config{*rc::gen::arbitrary<uint64_t>(), *rc::gen::arbitrary<uint8_t>(),
                        *rc::gen::arbitrary<bool>(), *rc::gen::inRange<uint32_t>(1, 7), timeout};
    const auto steps = *rc::gen::resize(300, rc::gen::container<std::vector<Step>>(step));
    Program(config).run(steps);
  }));
  base::set_log_level(base::LogLevel::kWarning);
}

TEST(SchedProperty, RandomProgramsKeepTheInvariants) {
  check_programs(0);
}

TEST(SchedProperty, RandomProgramsWithTimeoutsKeepTheInvariants) {
  check_programs(30);
}

}  // namespace
}  // namespace fakegpu::sched
