// SPDX-License-Identifier: MIT
#include "hang.h"

#include <fmt/core.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "base/log.h"
#include "base/real_executor.h"
#include "support/virtual_machine.h"

namespace fakegpu::bench {

namespace {

using base::kNanosPerMilli;
using base::Nanos;
using tests::Client;
namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;

constexpr Nanos kTimeout = 20 * kNanosPerMilli;
constexpr Nanos kPatience = 20 * base::kNanosPerSecond;
constexpr unsigned kRings = 7;
constexpr unsigned kHungRing = 0;
constexpr std::string_view kHungRingName = "gfx_0.0";
// Of jobs on the other rings: they are in flight when the chip is reset, and still when all has
// been measured.
constexpr uint32_t kWorkMillis = 100;

uint64_t number(const base::TraceEvent& event, std::string_view key) {
  for (const base::TraceField& field : event.fields)
    if (field.key == key) return field.number;
  return 0;
}

std::string_view text(const base::TraceEvent& event, std::string_view key) {
  for (const base::TraceField& field : event.fields)
    if (field.key == key) return field.text;
  return {};
}

// Notes when each part began.
class Stopwatch final : public base::TraceSink {
 public:
  void emit(const base::TraceEvent& event) override {
    const std::lock_guard lock(mutex_);
    if (event.name == "drm_sched_job_queue") {
      if (text(event, "name") == kHungRingName) hung_.insert(number(event, "fence_context"));
      // The first there is the culprit.
      if (hung_.size() == 1 && !culprit_) culprit_ = *hung_.begin();
    } else if (event.name == "drm_sched_job_run") {
      if (number(event, "fence_context") == culprit_) run_ = event.when;
    } else if (event.name == "gpu_hang") {
      hang_ = event.when;
    } else if (event.name == "gpu_reset_begin") {
      begin_ = event.when;
    } else if (event.name == "gpu_reset_step") {
      step_ = event.when;
      test_ = 0;
      step_name_ = text(event, "step");
    } else if (event.name == "gpu_reset_test") {
      test_ = event.when;
    } else if (event.name == "gpu_reset_settle") {
      settle_ = event.when;
    } else if (event.name == "gpu_reset_end") {
      end_ = event.when;
    } else if (hang_ && event.name == "gpu_ib_start") {
      if (!started_ && number(event, "ring") == kHungRing) started_ = event.when;
    } else if (hang_ && event.name == "drm_sched_job_done") {
      const uint64_t context = number(event, "fence_context");
      if (!done_ && context != culprit_ && hung_.contains(context)) done_ = event.when;
    }
    if (done_ && end_) over_.notify_one();
  }

  // Until an innocent has finished and the recovery is over.
  bool wait() {
    std::unique_lock lock(mutex_);
    return over_.wait_for(lock, std::chrono::nanoseconds(kPatience),
                          [this] { return done_ && end_; });
  }
  std::string step_name() {
    const std::lock_guard lock(mutex_);
    return step_name_;
  }
  RecoveryTimes times() {
    const std::lock_guard lock(mutex_);
    // Killing waves has no ring test, and lets the ring go on by itself, before anybody knows.
    const Nanos test = test_ ? test_ : settle_;
    const Nanos resumed = std::min(started_, end_);
    return {.detection = hang_ - (run_ + kTimeout),
            .core_dump = begin_ - hang_,
            .earlier_steps = step_ - begin_,
            .acting = std::min(test, resumed) - step_,
            .ring_tests = test_ ? settle_ - test_ : 0,
            .aftermath = test_ ? resumed - settle_ : 0,
            .to_start = started_ - resumed,
            .to_done = done_ - started_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  std::set<uint64_t> hung_;  // fence contexts of the ring that hangs
  uint64_t culprit_ = 0;
  Nanos run_ = 0, hang_ = 0, begin_ = 0, step_ = 0, test_ = 0, settle_ = 0, end_ = 0;
  Nanos started_ = 0, done_ = 0;
  std::string step_name_;
};

bool is_sdma(unsigned ring) {
  return ring >= 5;
}

// A client with one context.
class Load {
 public:
  Load(drv::Machine& machine, int32_t pid)
      : client_(std::move(*machine.open({pid, 0, 0})), {pid, 0, 0}),
        context_(client_.context()),
        zero_(client_.buffer()),
        hang_(client_.ib(tests::words(pm4::Hang{}))),
        nothing_(client_.ib(tests::words(pm4::Nop{}))),
        work_(client_.ib(tests::words(pm4::Work{.units = kWorkMillis, .unit_ns = 1'000'000}))),
        poll_(client_.ib(tests::words(sdma::PollRegMem{.address = zero_.va, .reference = 1}),
                         true)) {}

  bool hang() { return submit(kHungRing, hang_); }
  bool innocent(unsigned ring) {
    return submit(ring, ring == kHungRing ? nothing_ : is_sdma(ring) ? poll_ : work_);
  }
  uint32_t flags() {
    drm_fakegpu_ctx_query query = {};
    query.ctx_id = context_;
    client_.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query);
    return query.flags;
  }

 private:
  bool submit(unsigned ring, drm_fakegpu_ib ib) {
    return client_.submit({.context = context_, .ring = ring, .ibs = {ib}}) == 0;
  }

  Client client_;
  uint32_t context_;
  Client::Buffer zero_;
  drm_fakegpu_ib hang_, nothing_, work_, poll_;
};

bool make_mute(drv::Faults& faults, std::string_view step) {
  static constexpr std::pair<std::string_view, std::string_view> kMutes[] = {
      {"soft recovery", "mute-kill"},
      {"queue reset", "mute-queue-reset"},
      {"engine reset", "mute-engine-reset"}};
  for (const auto& [of, fault] : kMutes) {
    if (of == step) break;
    if (!faults.arm_text(fmt::format("{},ring={}", fault, kHungRingName))) return false;
  }
  return true;
}

}  // namespace

RecoveryTimes recover_by(std::string_view step, std::string* error) {
  // Each hang is told; nobody reads it.
  base::set_log_sink([](base::LogLevel, std::string_view) {});
  drv::Options options;
  options.lockup_timeout = {.gfx = kTimeout, .compute = 0, .sdma = 0};
  options.queue_time = 0;
  hw::Profile profile;
  profile.vram_bytes = 64ull << 20;
  profile.system_bytes = 64ull << 20;
  base::RealExecutor executor(2);
  base::MonotonicClock clock;
  base::Tracer tracer(clock);
  Stopwatch watch;
  tracer.set_sink(&watch);
  auto made = drv::Machine::create(profile, options, clock, executor, tracer);
  if (!made) {
    *error = made.error().message();
    return {};
  }
  drv::Machine& machine = **made;
  RecoveryTimes times;
  {
    std::vector<std::unique_ptr<Load>> clients;
    for (unsigned i = 0; i <= kContexts; ++i)
      clients.push_back(std::make_unique<Load>(machine, static_cast<int32_t>(i + 1)));
    bool good = make_mute(machine.faults(), step);
    const auto fill = [&](unsigned ring) {
      for (unsigned i = 0; i < (kJobs + kRings - 1) / kRings; ++i)
        good &= clients[1 + i % kContexts]->innocent(ring);
    };
    for (unsigned ring = 1; ring < kRings; ++ring) fill(ring);
    good &= clients[0]->hang();
    fill(kHungRing);
    if (!good) {
      *error = "a job was refused";
    } else if (!watch.wait()) {
      *error = "no recovery";
    } else if (watch.step_name() != step) {
      *error = "it was ended by " + watch.step_name();
    } else if (!(clients[0]->flags() & DRM_FAKEGPU_CTX_GUILTY) ||
               (clients[1]->flags() & DRM_FAKEGPU_CTX_GUILTY)) {
      *error = "somebody else is to blame";
    } else {
      times = watch.times();
    }
  }
  machine.shutdown();
  executor.stop();
  return times;
}

}  // namespace fakegpu::bench
