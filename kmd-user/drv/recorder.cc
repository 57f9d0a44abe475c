// SPDX-License-Identifier: MIT
#include "recorder.h"

#include <algorithm>
#include <cstring>

#include "events.h"
#include "fence/unwrap.h"
#include "ring.h"

namespace fakegpu::drv {

// One ring's. A record's numbers are as docs/recording.md lists them.
class Recorder::Tap final : public sched::Observer {
 public:
  Tap(Recorder& recorder, Ring& ring) : recorder_(recorder), ring_(ring) {
    ring.scheduler().set_observer(this);
  }
  ~Tap() override { ring_.scheduler().set_observer(nullptr); }

  // What there is before anything is told.
  void snapshot();

  // sched::Observer.
  void created(const sched::Entity& entity) override {
    auto record = of(DRM_FAKEGPU_RECORD_ENTITY, entity);
    record.value[0] = static_cast<uint64_t>(entity.priority());
    record.value[1] = entity.client_id();
    recorder_.write(record);
  }
  void destroyed(const sched::Entity& entity) override {
    recorder_.write(of(DRM_FAKEGPU_RECORD_GONE, entity));
  }
  void queued(const sched::Entity& entity, const sched::Job& job) override;
  void urged(uint64_t context, uint64_t seqno, const fence::Urgency& urgency) override {
    auto record = make(DRM_FAKEGPU_RECORD_URGED);
    record.context = context;
    record.seqno = seqno;
    record.value[0] = urgency.waited;
    record.value[1] = static_cast<uint64_t>(urgency.deadline);
    record.value[2] = urgency.priority | uint64_t{urgency.visits_left} << 32;
    record.value[3] = urgency.client;
    recorder_.write(record);
  }
  void reprioritized(const sched::Entity& entity) override {
    auto record = of(DRM_FAKEGPU_RECORD_PRIORITY, entity);
    record.value[0] = static_cast<uint64_t>(entity.priority());
    recorder_.write(record);
  }
  void killed(const sched::Entity& entity) override {
    recorder_.write(of(DRM_FAKEGPU_RECORD_KILLED, entity));
  }
  void policy_changed() override {
    auto record = make(DRM_FAKEGPU_RECORD_POLICY);
    const std::string_view name = ring_.scheduler().policy().name();
    name.copy(reinterpret_cast<char*>(record.value), sizeof(record.value) - 1);
    recorder_.write(record);
  }
  void run(const sched::Job& job, int outcome) override {
    auto record = of(DRM_FAKEGPU_RECORD_RUN, job);
    record.value[0] = static_cast<uint64_t>(int64_t{outcome});
    recorder_.write(record);
  }
  void blocked(const sched::Entity&, const sched::Job& job) override {
    recorder_.write(of(DRM_FAKEGPU_RECORD_BLOCKED, job));
  }
  void unblocked(const sched::Entity& entity) override {
    recorder_.write(of(DRM_FAKEGPU_RECORD_UNBLOCKED, entity));
  }
  void completed(const sched::Job& job, base::Nanos when, int error) override {
    auto record = of(DRM_FAKEGPU_RECORD_DONE, job);
    record.value[0] = static_cast<uint64_t>(when);
    record.value[1] = static_cast<uint64_t>(int64_t{error});
    recorder_.write(record);
  }
  void signaled(const fence::Fence& fence) override {
    auto record = make(DRM_FAKEGPU_RECORD_SIGNALED);
    record.context = fence.context();
    record.seqno = fence.seqno();
    record.value[0] = static_cast<uint64_t>(fence.timestamp());
    recorder_.write(record);
  }
  void stopped() override { recorder_.write(make(DRM_FAKEGPU_RECORD_STOPPED)); }
  void failed(const sched::Job& job, int error) override {
    auto record = of(DRM_FAKEGPU_RECORD_FAILED, job);
    record.value[0] = static_cast<uint64_t>(int64_t{error});
    recorder_.write(record);
  }
  void restarted() override { recorder_.write(make(DRM_FAKEGPU_RECORD_RESTARTED)); }

 private:
  // More than so many leaves are not told: the container then counts as a foreign fence.
  static constexpr size_t kMaxLeaves = 256;
  static constexpr uint64_t kBefore = 1;  // QUEUED and RUN: it was so when the recording began

  drm_fakegpu_event_record make(uint32_t kind) { return recorder_.make(kind, ring_.info().index); }
  drm_fakegpu_event_record of(uint32_t kind, const sched::Entity& entity) {
    auto record = make(kind);
    record.context = entity.fence_context();
    return record;
  }
  drm_fakegpu_event_record of(uint32_t kind, const sched::Job& job) {
    auto record = make(kind);
    record.context = job.scheduled()->context();
    record.seqno = job.scheduled()->seqno();
    return record;
  }
  void queue(const sched::Job& job, uint64_t flags);
  void depend(const sched::Job& job, const fence::FenceRef& dependency);

  Recorder& recorder_;
  Ring& ring_;
};

namespace {

// Fills in what is waited for.
void describe(fence::Fence& fence, drm_fakegpu_event_record& record) {
  if (const auto job = sched::job_fence(fence)) {
    record.value[0] = job->finished ? DRM_FAKEGPU_WAITS_FINISHED : DRM_FAKEGPU_WAITS_SCHEDULED;
    record.value[1] = job->context;
    record.value[2] = job->seqno;
  } else {
    record.value[0] = DRM_FAKEGPU_WAITS_FOREIGN;
    record.value[1] = fence.context();
    record.value[2] = fence.seqno();
  }
}

}  // namespace

void Recorder::Tap::queued(const sched::Entity&, const sched::Job& job) {
  queue(job, 0);
}

void Recorder::Tap::queue(const sched::Job& job, uint64_t flags) {
  auto record = of(DRM_FAKEGPU_RECORD_QUEUED, job);
  record.value[0] = job.credits();
  record.value[2] = flags;
  record.value[3] = static_cast<uint64_t>(job.pushed_at());
  for (const fence::FenceRef& dependency : job.dependencies())
    record.value[1] += !dependency->test_signaled();
  recorder_.write(record);
  for (const fence::FenceRef& dependency : job.dependencies())
    if (!dependency->test_signaled()) depend(job, dependency);
}

void Recorder::Tap::depend(const sched::Job& job, const fence::FenceRef& dependency) {
  auto record = of(DRM_FAKEGPU_RECORD_DEPENDENCY, job);
  describe(*dependency, record);
  const bool chain = dependency->kind() == fence::Fence::Kind::kChain;
  std::vector<drm_fakegpu_event_record> leaves;
  if (dependency->is_container()) {
    fence::Unwrap unwrap(dependency);
    while (fence::Fence* leaf = unwrap.next()) {
      auto& below = leaves.emplace_back(of(DRM_FAKEGPU_RECORD_LEAF, job));
      if (leaves.size() > kMaxLeaves) break;
      describe(*leaf, below);
      below.value[3] = unwrap.at_node_start();
    }
    if (leaves.size() > kMaxLeaves) {
      leaves.clear();
    } else {
      record.value[0] = chain ? DRM_FAKEGPU_WAITS_CHAIN : DRM_FAKEGPU_WAITS_ARRAY;
    }
  }
  record.value[3] = leaves.size();
  recorder_.write(record);
  for (const auto& leaf : leaves) recorder_.write(leaf);
}

void Recorder::Tap::snapshot() {
  sched::Scheduler& scheduler = ring_.scheduler();
  auto record = make(DRM_FAKEGPU_RECORD_RING);
  record.value[0] = scheduler.options().credit_limit;
  record.value[1] = static_cast<uint64_t>(scheduler.options().depth);
  record.value[2] = ring_.info().type;
  // Whether what follows is all that the scheduler knows.
  record.value[3] = scheduler.usage().pushed == 0;
  recorder_.write(record);
  policy_changed();
  scheduler.for_each_entity([this](const sched::Entity& entity) { created(entity); });
  scheduler.for_each_pending([this](const sched::Job& job) {
    // Its entity may be gone: it stands for itself.
    queue(job, kBefore);
    auto run = of(DRM_FAKEGPU_RECORD_RUN, job);
    run.value[1] = kBefore;
    run.value[2] = static_cast<uint64_t>(job.started_at());
    recorder_.write(run);
  });
  scheduler.for_each_entity([this](const sched::Entity& entity) {
    entity.for_each_queued([this](const sched::Job& job) { queue(job, kBefore); });
  });
  if (scheduler.stopped()) stopped();
}

Recorder::Recorder(DeviceLock& lock, const std::vector<std::unique_ptr<Ring>>& rings)
    : lock_(lock), rings_(rings) {}

Recorder::~Recorder() = default;

void Recorder::add(EventQueue& queue) {
  if (taps_.empty())
    for (const auto& ring : rings_) taps_.push_back(std::make_unique<Tap>(*this, *ring));
  only_ = &queue;
  for (const auto& tap : taps_) tap->snapshot();
  only_ = nullptr;
  queues_.push_back(&queue);
  // What else this call causes is not the snapshot's.
  deliver();
}

void Recorder::remove(EventQueue& queue) {
  if (std::erase(queues_, &queue) > 0 && queues_.empty()) taps_.clear();
}

drm_fakegpu_event_record Recorder::make(uint32_t kind, uint32_t ring) {
  drm_fakegpu_event_record record = {};
  record.base = {DRM_FAKEGPU_EVENT_RECORD, sizeof(record)};
  record.kind = kind;
  record.ring = ring;
  record.section = section_;
  record.time_ns = lock_.now();
  return record;
}

void Recorder::write(const drm_fakegpu_event_record& record) {
  written_ = true;
  if (only_) {
    only_->record(record);
    return;
  }
  for (EventQueue* queue : queues_) queue->record(record);
}

void Recorder::deliver() {
  written_ = false;
  ++section_;
  for (EventQueue* queue : queues_) queue->deliver();
}

}  // namespace fakegpu::drv
