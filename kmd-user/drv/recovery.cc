// SPDX-License-Identifier: MIT
#include "recovery.h"

#include <algorithm>

#include "base/log.h"

namespace fakegpu::drv {

Recovery::~Recovery() {
  stop();
}

void Recovery::stop() {
  if (timer_) executor_.cancel(std::exchange(timer_, 0));
  resetting_.clear();
}

bool Recovery::recovering(const Ring& ring) const {
  return std::any_of(resetting_.begin(), resetting_.end(),
                     [&ring](const Resetting& r) { return r.ring == &ring; });
}

void Recovery::begin(Ring& ring, SubmitJob* guilty, std::string_view why) {
  if (recovering(ring)) return;
  const base::Nanos now = clock_.now();
  ring.process_fences(now);
  ring.scheduler().stop(now);
  if (!guilty) {
    ring.scheduler().for_each_pending([&guilty](sched::Job& job) {
      if (!guilty) guilty = static_cast<SubmitJob*>(&job);
    });
  }
  base::log(base::LogLevel::kWarning, "ring {} timeout, signaled seq={}, emitted seq={}: {}",
            ring.info().name, ring.completed(), ring.emitted(), why);
  tracer_.emit("gpu_reset_begin", {{"ring", ring.info().name}, {"reason", why}});
  ++count_;
  ring.request_reset();
  resetting_.push_back({&ring, base::Ref<SubmitJob>(guilty), now, 0});
  arm();
}

void Recovery::arm() {
  if (timer_) return;
  timer_ = executor_.post_at(clock_.now() + kPoll, [this] {
    DeviceLock::Guard guard(lock_);
    timer_ = 0;
    poll();
  });
}

void Recovery::poll() {
  const base::Nanos now = clock_.now();
  for (size_t i = 0; i < resetting_.size();) {
    Resetting& one = resetting_[i];
    one.waited += std::min(now - std::exchange(one.last_look, now), kLongestGap);
    const bool done = one.ring->reset_done();
    if (!done && one.waited < kBound) {
      ++i;
      continue;
    }
    Resetting ended = std::move(one);
    resetting_.erase(resetting_.begin() + static_cast<ptrdiff_t>(i));
    done ? finish(ended) : give_up(ended);
  }
  if (!resetting_.empty()) arm();
}

void Recovery::keep_completed(Ring& ring) {
  ring.process_fences(clock_.now());
  ring.scheduler().for_each_pending([&ring](sched::Job& pending) {
    auto& job = static_cast<SubmitJob&>(pending);
    if (job.emission()->test_signaled()) ring.scheduler().reattach(job, job.emission());
  });
}

void Recovery::finish(Resetting& resetting) {
  Ring& ring = *resetting.ring;
  const base::Nanos now = clock_.now();
  keep_completed(ring);
  ring.forget_emissions();
  ring.restart();

  Context* guilty = nullptr;
  if (resetting.guilty && !resetting.guilty->parent()) {
    guilty = &resetting.guilty->context();
    guilty->mark_guilty();
  }
  std::vector<base::Ref<SubmitJob>> innocent;
  ring.scheduler().for_each_pending([&](sched::Job& pending) {
    auto& job = static_cast<SubmitJob&>(pending);
    if (job.parent()) return;  // completed
    if (&job == resetting.guilty.get()) {
      ring.scheduler().fail_pending(job, -ETIME);
    } else if (&job.context() == guilty) {
      ring.scheduler().fail_pending(job, -ECANCELED);
    } else {
      innocent.emplace_back(&job);
    }
  });
  // Oldest first, as they were.
  for (const auto& job : innocent) {
    // Its space had a VMID, but may have lost it to a dead ring since, and nobody may wait here.
    if (ring.prepare_job(*job)) {
      ring.scheduler().fail_pending(*job, -ECANCELED);
    } else {
      ring.scheduler().reattach(*job, ring.emit(*job));
    }
  }
  ring.scheduler().start(now, -ECANCELED);
  tracer_.emit("gpu_reset_end", {{"ring", ring.info().name}, {"reemitted", innocent.size()}});
  base::log(base::LogLevel::kInfo, "Ring {} reset succeeded", ring.info().name);
}

void Recovery::give_up(Resetting& resetting) {
  Ring& ring = *resetting.ring;
  base::log(base::LogLevel::kError, "Ring {} reset failed", ring.info().name);
  tracer_.emit("gpu_reset_failed", {{"ring", ring.info().name}});
  keep_completed(ring);
  quarantine_.take(ring);
  if (resetting.guilty && !resetting.guilty->parent()) {
    resetting.guilty->context().mark_guilty();
    ring.scheduler().fail_pending(*resetting.guilty, -ETIME);
  }
  ring.forget_emissions();
  ring.set_ready(false);
  ring.scheduler().start(clock_.now(), -ECANCELED);
}

}  // namespace fakegpu::drv
