// SPDX-License-Identifier: MIT
#include "sim/script.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include "sched/observer.h"
#include "sched/policy.h"

namespace fakegpu::sim {

namespace {

constexpr size_t kMaxRings = 64;
constexpr uint64_t kMaxLeaves = 256;

using Key = std::pair<uint64_t, uint64_t>;  // a fence's context and seqno

// Reads the records in order. Whatever is no driver's is a `problem`; what a gap explains is
// skipped.
class Compiler {
 public:
  explicit Compiler(uint64_t lost) { script_.lost = lost; }

  bool add(const Record& record) {
    if (awaited_ > 0 && record.kind != DRM_FAKEGPU_RECORD_DEPENDENCY &&
        record.kind != DRM_FAKEGPU_RECORD_LEAF && !lossy())
      return refuse("a dependency of the job before is missing");
    return open_section(record) && dispatch(record);
  }
  base::Result<Script> finish() {
    if (script_.rings.empty()) return base::fail(EINVAL, "no rings");
    if (awaited_ > 0 && !lossy()) return base::fail(EINVAL, "a dependency of a job is missing");
    forget_waits();
    for (const ScriptRing& ring : script_.rings) {
      script_.fresh = script_.fresh && ring.fresh;
      if (ring.policy.empty()) return base::fail(EINVAL, "a ring without a policy");
    }
    const Nanos span = script_.sections.back().time - script_.sections.front().time;
    if (span > (Nanos{1} << 60) / static_cast<Nanos>(script_.jobs.size() + 1))
      return base::fail(EINVAL, "{} jobs in {} ns are more than can be summed up",
                        script_.jobs.size(), span);
    for (uint32_t index = 0; index < blocked_.size(); ++index) stay_blocked(index);
    std::stable_sort(script_.early.begin(), script_.early.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    estimate();
    return std::move(script_);
  }
  const std::string& problem() const { return problem_; }

 private:
  struct RingState {
    std::deque<uint32_t> flight;  // jobs that it was given, oldest first
    Nanos noticed = 0;            // the end of the one before
    uint32_t restarts = 0;
    uint32_t restarted_in = kNone;  // section
    bool stopped = false;
  };

  bool lossy() const { return script_.lost > 0; }
  bool refuse(std::string why) {
    problem_ = std::move(why);
    return false;
  }
  // What cannot be right, unless what explains it was lost.
  bool unknown(std::string why) { return lossy() || refuse(std::move(why)); }

  bool open_section(const Record& record) {
    if (record.kind == DRM_FAKEGPU_RECORD_LOST) return true;
    auto& sections = script_.sections;
    if (!sections.empty() && record.section == number_) {
      if (record.time_ns != sections.back().time) return refuse("two times in one section");
      return true;
    }
    if (!sections.empty() && (record.section < number_ || record.time_ns < sections.back().time))
      return refuse("a section that comes too late");
    number_ = record.section;
    sections.push_back({record.time_ns, static_cast<uint32_t>(script_.events.size()), 0});
    return true;
  }
  uint32_t section() const { return static_cast<uint32_t>(script_.sections.size() - 1); }
  Nanos now() const { return script_.sections.back().time; }
  void event(ScriptEvent::Kind kind, uint32_t index, uint32_t detail = 0) {
    script_.events.push_back({kind, index, detail});
    ++script_.sections.back().count;
  }

  bool dispatch(const Record& record) {
    if (record.kind == DRM_FAKEGPU_RECORD_RING) return ring(record);
    if (record.kind != DRM_FAKEGPU_RECORD_LOST && record.ring >= script_.rings.size())
      return refuse(fmt::format("no ring {}", record.ring));
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_POLICY:
        return policy(record);
      case DRM_FAKEGPU_RECORD_ENTITY:
        return entity(record);
      case DRM_FAKEGPU_RECORD_GONE:
      case DRM_FAKEGPU_RECORD_PRIORITY:
      case DRM_FAKEGPU_RECORD_KILLED:
      case DRM_FAKEGPU_RECORD_URGED:
      case DRM_FAKEGPU_RECORD_UNBLOCKED:
        return of_entity(record);
      case DRM_FAKEGPU_RECORD_QUEUED:
        return queued(record);
      case DRM_FAKEGPU_RECORD_DEPENDENCY:
        return dependency(record);
      case DRM_FAKEGPU_RECORD_LEAF:
        return leaf(record);
      case DRM_FAKEGPU_RECORD_RUN:
      case DRM_FAKEGPU_RECORD_BLOCKED:
      case DRM_FAKEGPU_RECORD_DONE:
      case DRM_FAKEGPU_RECORD_FAILED:
        return of_job(record);
      case DRM_FAKEGPU_RECORD_SIGNALED:
        return signaled(record);
      case DRM_FAKEGPU_RECORD_STOPPED:
      case DRM_FAKEGPU_RECORD_RESTARTED:
        return stop_or_restart(record);
      case DRM_FAKEGPU_RECORD_LOST:
        forget_waits();
        skip_waits_ = true;
        return true;
      default:
        return refuse(fmt::format("no record of kind {}", record.kind));
    }
  }

  bool ring(const Record& record) {
    if (section() != 0 || record.ring != script_.rings.size() || record.ring >= kMaxRings)
      return refuse("a ring out of order");
    if (record.value[0] < 1 || record.value[0] > UINT32_MAX || record.value[2] > 2 ||
        record.value[1] > static_cast<uint64_t>(INT64_MAX) / 4)
      return refuse("a ring that cannot be");
    ScriptRing& made = script_.rings.emplace_back();
    made.credits = static_cast<uint32_t>(record.value[0]);
    made.depth = static_cast<Nanos>(record.value[1]);
    made.type = static_cast<uint32_t>(record.value[2]);
    made.fresh = record.value[3] != 0;
    script_.runs.emplace_back();
    states_.emplace_back();
    return true;
  }

  bool policy(const Record& record) {
    const char* const text = reinterpret_cast<const char*>(record.value);
    std::string name(text, ::strnlen(text, sizeof(record.value)));
    if (!sched::make_policy(name)) return refuse(fmt::format("no policy \"{}\"", name));
    ScriptRing& of = script_.rings[record.ring];
    if (of.policy.empty()) {
      of.policy = std::move(name);
      return true;
    }
    script_.policies.emplace_back(record.ring, std::move(name));
    event(ScriptEvent::Kind::kPolicy, static_cast<uint32_t>(script_.policies.size() - 1));
    return true;
  }

  bool entity(const Record& record) {
    if (record.value[0] >= sched::kPriorities) return refuse("an unknown priority");
    if (record.context == 0 || record.context == UINT64_MAX || entities_.contains(record.context))
      return refuse(fmt::format("context {} again", record.context));
    make_entity(record, static_cast<sched::Priority>(record.value[0]), record.value[1]);
    return true;
  }
  uint32_t make_entity(const Record& record, sched::Priority priority, uint64_t client) {
    const auto index = static_cast<uint32_t>(script_.entities.size());
    script_.entities.push_back({record.ring, priority, client});
    entities_.emplace(record.context, index);
    last_seqno_.push_back(0);
    queued_.push_back(0);
    blocked_.push_back(kNone);
    killed_.push_back(false);
    event(ScriptEvent::Kind::kCreate, index);
    return index;
  }

  // kNone: unknown. One of another ring is as good as none.
  uint32_t find_entity(const Record& record) const {
    const auto found = entities_.find(record.context);
    if (found == entities_.end() || script_.entities[found->second].ring != record.ring)
      return kNone;
    return found->second;
  }

  bool of_entity(const Record& record) {
    const uint32_t index = find_entity(record);
    // A job from before the recording, whose entity is gone, may still be wanted.
    if (index == kNone && record.kind == DRM_FAKEGPU_RECORD_URGED) return true;
    if (index == kNone && record.kind == DRM_FAKEGPU_RECORD_GONE && !script_.fresh) return true;
    if (index == kNone) return unknown(fmt::format("no context {}", record.context));
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_GONE:
        if (!killed_[index]) return unknown("it goes alive");
        event(ScriptEvent::Kind::kDestroy, index);
        entities_.erase(record.context);
        return true;
      case DRM_FAKEGPU_RECORD_PRIORITY:
        if (record.value[0] >= sched::kPriorities) return refuse("an unknown priority");
        event(ScriptEvent::Kind::kPriority, index, static_cast<uint32_t>(record.value[0]));
        return true;
      case DRM_FAKEGPU_RECORD_KILLED:
        if (killed_[index]) return unknown("killed again");
        killed_[index] = true;
        stay_blocked(index);
        event(ScriptEvent::Kind::kKill, index, queued_[index]);
        queued_[index] = 0;
        return true;
      case DRM_FAKEGPU_RECORD_UNBLOCKED:
        return unblocked(index);
      default:
        return urged(record, index);
    }
  }

  // What waits for its prepare_job() will do so for ever.
  void stay_blocked(uint32_t index) {
    const uint32_t job = std::exchange(blocked_[index], kNone);
    if (job != kNone) script_.jobs[job].unblocks.push_back(kNone);
  }
  bool unblocked(uint32_t index) {
    const uint32_t job = std::exchange(blocked_[index], kNone);
    if (job == kNone) return unknown("it was not blocked");
    script_.jobs[job].unblocks.push_back(section());
    event(ScriptEvent::Kind::kUnblock, job);
    return true;
  }

  bool urged(const Record& record, uint32_t index) {
    ScriptUrge urge;
    urge.entity = index;
    urge.seqno = record.seqno;
    urge.urgency.waited = record.value[0] != 0;
    urge.urgency.deadline = static_cast<Nanos>(record.value[1]);
    urge.urgency.priority = static_cast<uint8_t>(record.value[2]);
    urge.urgency.client = record.value[3];
    urge.urgency.visits_left = static_cast<unsigned>(
        std::min<uint64_t>(record.value[2] >> 32, fence::Urgency::kMaxVisits));
    script_.urges.push_back(urge);
    event(ScriptEvent::Kind::kUrge, static_cast<uint32_t>(script_.urges.size() - 1));
    return true;
  }

  bool queued(const Record& record) {
    uint32_t index = find_entity(record);
    const bool before = record.value[2] != 0;
    if (index == kNone && before && !entities_.contains(record.context))
      index = make_entity(record, sched::Priority::kNormal, 0);
    if (index == kNone) {
      skip_waits_ = true;
      return unknown(fmt::format("no context {}", record.context));
    }
    if (record.seqno <= last_seqno_[index]) return refuse("a job out of its context's order");
    if (record.value[0] < 1 || record.value[0] > UINT32_MAX) return refuse("a job without credits");
    if (record.value[1] > record_limit()) return refuse("too many dependencies");
    forget_waits();
    last_seqno_[index] = record.seqno;
    ScriptJob job;
    job.entity = index;
    job.seqno = record.seqno;
    job.credits = static_cast<uint32_t>(record.value[0]);
    job.before = before;
    job.pushed = now();
    job.first_wait = static_cast<uint32_t>(script_.waits.size());
    awaited_ = record.value[1];
    skip_waits_ = false;
    const auto at = static_cast<uint32_t>(script_.jobs.size());
    jobs_.emplace(Key{record.context, record.seqno}, at);
    script_.jobs.push_back(std::move(job));
    if (!killed_[index]) ++queued_[index];
    event(ScriptEvent::Kind::kQueue, at);
    return true;
  }
  // Those that are still to come were lost.
  void forget_waits() {
    if (leaves_ > 0) script_.waits[container_wait_].leaves -= static_cast<uint32_t>(leaves_);
    awaited_ = leaves_ = 0;
  }
  // BOs and syncobjs of one submission, and what one BO may have to wait for.
  static constexpr uint64_t record_limit() { return 1u << 20; }

  // Of the job that was queued last.
  ScriptJob* waiting_job(const Record& record) {
    if (script_.jobs.empty()) return nullptr;
    ScriptJob& job = script_.jobs.back();
    const auto found = jobs_.find({record.context, record.seqno});
    return found != jobs_.end() && &script_.jobs[found->second] == &job ? &job : nullptr;
  }

  bool dependency(const Record& record) {
    if (skip_waits_) return true;
    ScriptJob* job = waiting_job(record);
    if (!job || awaited_ == 0 || leaves_ > 0) return unknown("a dependency of no job");
    --awaited_;
    // Its leaves come behind all that the job itself waits for, as the jobs' lists are contiguous.
    Wait wait;
    if (!fill(record, wait)) return false;
    const bool container = wait.kind == Wait::Kind::kArray || wait.kind == Wait::Kind::kChain;
    if (container ? record.value[3] == 0 || record.value[3] > kMaxLeaves : record.value[3] != 0)
      return refuse("a container of a size that cannot be");
    leaves_ = record.value[3];
    awaited_ += leaves_;
    ++job->waits;
    wait.leaves = static_cast<uint32_t>(leaves_);
    wait.first_leaf = static_cast<uint32_t>(script_.waits.size() + 1);
    container_ = wait.fence;
    container_wait_ = script_.waits.size();
    script_.waits.push_back(wait);
    return true;
  }

  bool leaf(const Record& record) {
    if (skip_waits_) return true;
    if (!waiting_job(record) || leaves_ == 0) return unknown("a leaf of nothing");
    if (record.value[0] > DRM_FAKEGPU_WAITS_FOREIGN) return refuse("a container in a container");
    Wait wait;
    if (!fill(record, wait)) return false;
    wait.node_start = record.value[3] != 0;
    if (wait.kind == Wait::Kind::kForeign) script_.fences[container_].leaves.push_back(wait.fence);
    --leaves_;
    --awaited_;
    script_.waits.push_back(wait);
    return true;
  }

  bool fill(const Record& record, Wait& wait) {
    if (record.value[0] > DRM_FAKEGPU_WAITS_CHAIN) return refuse("an unknown kind of dependency");
    wait.kind = static_cast<Wait::Kind>(record.value[0]);
    const Key key{record.value[1], record.value[2]};
    if (wait.kind <= Wait::Kind::kScheduled) {
      const auto found = jobs_.find(key);
      if (found != jobs_.end()) wait.job = found->second;
      if (wait.job == script_.jobs.size() - 1) return refuse("a job that waits for itself");
      return true;
    }
    const auto [found, is_new] = fences_.emplace(key, static_cast<uint32_t>(script_.fences.size()));
    if (is_new) script_.fences.emplace_back();
    wait.fence = found->second;
    return true;
  }

  bool of_job(const Record& record) {
    const auto found = jobs_.find({record.context, record.seqno});
    if (found == jobs_.end() ||
        script_.entities[script_.jobs[found->second].entity].ring != record.ring)
      return unknown(fmt::format("no job {}:{}", record.context, record.seqno));
    ScriptJob& job = script_.jobs[found->second];
    switch (record.kind) {
      case DRM_FAKEGPU_RECORD_RUN:
        return run(record, job, found->second);
      case DRM_FAKEGPU_RECORD_BLOCKED:
        if (job.ran || blocked_[job.entity] != kNone) return unknown("blocked out of turn");
        blocked_[job.entity] = found->second;
        return true;
      case DRM_FAKEGPU_RECORD_DONE:
        return done(record, job, found->second);
      default:
        return failed(record, job, found->second);
    }
  }

  bool run(const Record& record, ScriptJob& job, uint32_t index) {
    const auto outcome = static_cast<int64_t>(record.value[0]);
    if (job.ran) return refuse("a job that runs twice");
    if (outcome > sched::Observer::kNothing || outcome < -4095) return refuse("an unknown outcome");
    job.ran = true;
    job.outcome = static_cast<int>(outcome);
    job.started = now();
    if (queued_[job.entity] > 0) --queued_[job.entity];
    if (job.outcome == sched::Observer::kExecutes) states_[record.ring].flight.push_back(index);
    if (record.value[1] == 0) script_.runs[record.ring].push_back({index, now()});
    return true;
  }

  bool in_flight(uint32_t ring, uint32_t index) const {
    return std::ranges::find(states_[ring].flight, index) != states_[ring].flight.end();
  }
  void end(uint32_t ring, ScriptJob& job, uint32_t index) {
    RingState& state = states_[ring];
    std::erase(state.flight, index);
    const bool kept = state.restarted_in == section() && earlier_.contains(index);
    const Nanos started = kept ? earlier_[index] : job.started;
    job.noticed = now();
    job.occupancy = std::max<Nanos>(now() - std::max(started, state.noticed), 0);
    job.measured = true;
    state.noticed = now();
  }
  bool done(const Record& record, ScriptJob& job, uint32_t index) {
    const auto error = static_cast<int64_t>(record.value[1]);
    if (!in_flight(record.ring, index)) return unknown("a job ends that does not run");
    if (error > 0 || error < -4095) return refuse("an unknown error");
    end(record.ring, job, index);
    job.lag = now() - std::clamp<Nanos>(static_cast<Nanos>(record.value[0]), 0, now());
    job.error = static_cast<int>(error);
    event(ScriptEvent::Kind::kDone, index);
    return true;
  }
  bool failed(const Record& record, ScriptJob& job, uint32_t index) {
    const auto error = static_cast<int64_t>(record.value[0]);
    RingState& state = states_[record.ring];
    if (!in_flight(record.ring, index)) return unknown("a job fails that does not run");
    if (error >= 0 || error < -4095) return refuse("an unknown error");
    job.error = static_cast<int>(error);
    if (state.stopped) {
      job.failed_restart = state.restarts;
      return true;
    }
    if (state.restarts > 0) job.failed_restart = state.restarts - 1;
    end(record.ring, job, index);
    return true;
  }

  bool stop_or_restart(const Record& record) {
    RingState& state = states_[record.ring];
    if (record.kind == DRM_FAKEGPU_RECORD_STOPPED) {
      state.stopped = true;
      event(ScriptEvent::Kind::kStop, record.ring);
      return true;
    }
    if (!state.stopped) return unknown("it was not stopped");
    state.stopped = false;
    state.restarted_in = section();
    event(ScriptEvent::Kind::kRestart, record.ring, state.restarts);
    const std::deque<uint32_t> flight = state.flight;
    for (const uint32_t index : flight) {
      ScriptJob& job = script_.jobs[index];
      earlier_[index] = job.started;
      job.started = now();
      if (job.failed_restart == state.restarts) end(record.ring, job, index);
    }
    ++state.restarts;
    return true;
  }

  bool signaled(const Record& record) {
    const auto found = fences_.find({record.context, record.seqno});
    if (found == fences_.end()) return true;  // a job's from before
    ScriptFence& fence = script_.fences[found->second];
    if (std::exchange(fence.signaled, true)) return true;
    const auto when = static_cast<Nanos>(record.value[0]);
    if (when > 0 && when < now()) script_.early.emplace_back(when, found->second);
    event(ScriptEvent::Kind::kSignal, found->second);
    return true;
  }

  // Jobs whose end nobody saw are taken to be as long as those of their entity, or of their ring.
  void estimate() {
    struct Sum {
      double time = 0;  // many of a hostile file's would not fit an integer
      int64_t jobs = 0;
      void add(Nanos span) { time += static_cast<double>(span), ++jobs; }
      Nanos average() const {
        return jobs ? static_cast<Nanos>(time / static_cast<double>(jobs)) : 0;
      }
    };
    std::vector<Sum> by_entity(script_.entities.size());
    std::vector<Sum> by_ring(script_.rings.size());
    for (const ScriptJob& job : script_.jobs) {
      if (!job.measured || job.error != 0) continue;
      by_entity[job.entity].add(job.occupancy);
      by_ring[script_.entities[job.entity].ring].add(job.occupancy);
    }
    for (ScriptJob& job : script_.jobs) {
      if (job.measured) continue;
      const Sum& own = by_entity[job.entity];
      job.occupancy =
          own.jobs ? own.average() : by_ring[script_.entities[job.entity].ring].average();
    }
  }

  Script script_;
  std::string problem_;
  uint64_t number_ = 0;
  std::map<uint64_t, uint32_t> entities_;  // by context, those that are there
  std::map<Key, uint32_t> jobs_;
  std::map<Key, uint32_t> fences_;
  std::map<uint32_t, Nanos> earlier_;  // when jobs were started that a restart started again
  std::vector<RingState> states_;
  std::vector<uint64_t> last_seqno_;  // by entity, as the rest
  std::vector<uint32_t> queued_;
  std::vector<uint32_t> blocked_;
  std::vector<bool> killed_;
  uint64_t awaited_ = 0;  // dependencies and leaves that must follow
  uint64_t leaves_ = 0;
  uint32_t container_ = kNone;  // the fence, and the wait for it, whose leaves come
  size_t container_wait_ = 0;
  bool skip_waits_ = false;
};

}  // namespace

base::Result<Script> Script::compile(std::span<const Record> records) {
  Compiler compiler(lost_of(records));
  for (size_t i = 0; i < records.size(); ++i) {
    if (!compiler.add(records[i]))
      return base::fail(EINVAL, "line {}: {}", i + 2, compiler.problem());
  }
  auto script = compiler.finish();
  if (!script)
    return base::fail(EINVAL, "line {}: {}", records.size() + 2, script.error().message());
  return script;
}

}  // namespace fakegpu::sim
