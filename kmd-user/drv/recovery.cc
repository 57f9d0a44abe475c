// SPDX-License-Identifier: MIT
#include "recovery.h"

#include <algorithm>

#include "base/log.h"

namespace fakegpu::drv {

namespace {

// What of a ring has completed is done, and must not run twice.
void keep_completed(Ring& ring, base::Nanos now) {
  ring.process_fences(now);
  ring.scheduler().for_each_pending([&ring](sched::Job& pending) {
    auto& job = static_cast<SubmitJob&>(pending);
    if (job.emission() && job.emission()->test_signaled())
      ring.scheduler().reattach(job, job.emission());
  });
}

}  // namespace

Recovery::~Recovery() {
  stop();
}

void Recovery::stop() {
  if (timer_) executor_.cancel(std::exchange(timer_, 0));
  episode_.reset();
  waiting_.clear();
}

bool Recovery::concerns(const Ring& ring) const {
  if (episode_ && (episode_->suspect.ring == &ring ||
                   std::ranges::find(episode_->standing, &ring) != episode_->standing.end()))
    return true;
  return awaited(ring);
}

bool Recovery::awaited(const Ring& ring) const {
  return std::ranges::any_of(waiting_, [&](const Case& one) { return one.ring == &ring; });
}

void Recovery::suspect(Suspicion suspicion) {
  Ring& ring = suspicion.ring;
  if (wedged_) return;
  // A queue may stop while waves of it are being killed; that takes another step than this.
  const bool other = suspicion.cause == Suspicion::Cause::kFault && episode_ &&
                     episode_->suspect.ring == &ring && episode_->step == ResetStep::kKillWaves;
  if (other ? awaited(ring) : concerns(ring)) return;
  SubmitJob* job = suspicion.job;
  if (!job) {
    ring.process_fences(lock_.now());
    ring.scheduler().for_each_pending([&job](sched::Job& pending) {
      auto& candidate = static_cast<SubmitJob&>(pending);
      if (!job && candidate.emission() && !candidate.emission()->test_signaled()) job = &candidate;
    });
  }
  waiting_.push_back({suspicion.cause, &ring, base::Ref<SubmitJob>(job), std::move(suspicion.why)});
  if (!episode_) open_next();
}

// Whether it has not ended meanwhile, by itself or by somebody else's reset.
bool Recovery::still_suspect(const Case& suspect) const {
  suspect.ring->process_fences(lock_.now());
  if (suspect.cause == Suspicion::Cause::kFault) return suspect.ring->faulted();
  return suspect.job && suspect.job->state() == sched::JobState::kRunning &&
         !suspect.job->emission()->test_signaled();
}

void Recovery::open_next() {
  while (!waiting_.empty() && !wedged_) {
    Case suspect = std::move(waiting_.front());
    waiting_.pop_front();
    if (!still_suspect(suspect)) continue;
    tracer_.emit("gpu_hang", {{"ring", suspect.ring->info().name}});
    host_.hang_found({suspect.cause, *suspect.ring, suspect.job.get(), suspect.why});
    base::log(base::LogLevel::kWarning, "ring {} timeout, signaled seq={}, emitted seq={}: {}",
              suspect.ring->info().name, suspect.ring->completed(), suspect.ring->emitted(),
              suspect.why);
    tracer_.emit("gpu_reset_begin",
                 {{"ring", suspect.ring->info().name}, {"reason", std::string_view(suspect.why)}});
    const bool fault = suspect.cause == Suspicion::Cause::kFault;
    episode_.emplace();
    if (suspect.job) episode_->task = suspect.job->task();
    episode_->suspect = std::move(suspect);
    enter(fault ? ResetStep::kQueueReset : ResetStep::kKillWaves);
    return;
  }
}

void Recovery::enter(ResetStep step) {
  Episode& episode = *episode_;
  episode.step = step;
  episode.phase = Phase::kActing;
  episode.last_look = lock_.now();
  episode.waited = 0;
  trace_step("gpu_reset_step");
  for (Ring* ring : steps_.covered(step, *episode.suspect.ring)) stand(*ring);
  steps_.begin(step, *episode.suspect.ring, episode.suspect.job.get());
  arm();
}

void Recovery::trace_step(std::string_view event) {
  tracer_.emit(
      event, {{"ring", episode_->suspect.ring->info().name}, {"step", info(episode_->step).name}});
}

void Recovery::stand(Ring& ring) {
  if (std::ranges::find(episode_->standing, &ring) != episode_->standing.end()) return;
  ring.process_fences(lock_.now());
  ring.scheduler().stop(lock_.now());
  episode_->standing.push_back(&ring);
}

void Recovery::arm() {
  if (timer_) return;
  const base::Nanos waited = episode_->waited;
  const base::Nanos bound = info(episode_->step).bound;
  const base::Nanos pause = std::min({waited / 8, bound / kLooks, bound - waited});
  timer_ = executor_.post_at(lock_.now() + std::max(pause, kFirstPause), [this] {
    DeviceLock::Guard guard(lock_);
    timer_ = 0;
    look();
  });
}

void Recovery::look() {
  if (!episode_) return;
  Episode& episode = *episode_;
  Ring& suspect = *episode.suspect.ring;
  const base::Nanos now = lock_.now();
  const base::Nanos most = info(episode.step).bound / kLooks;
  episode.waited += std::min(now - std::exchange(episode.last_look, now), most);
  if (episode.phase == Phase::kActing) {
    if (episode.step == ResetStep::kKillWaves) suspect.process_fences(now);
    if (steps_.done(episode.step, suspect, episode.suspect.job.get())) acted();
  } else if (tests_passed()) {
    conclude();
  }
  if (!episode_) {
    open_next();
    return;
  }
  if (episode.waited >= info(episode.step).bound) next_step();
  if (episode_) arm();
}

// The hardware has done the step. What it had completed by then counts; the rest will not come.
void Recovery::acted() {
  Episode& episode = *episode_;
  if (episode.step == ResetStep::kKillWaves) {
    conclude();
    return;
  }
  const base::Nanos now = lock_.now();
  for (Ring* ring : episode.standing) keep_completed(*ring, now);
  if (episode.step == ResetStep::kGpuReset) {
    if (host_.power_up_again()) episode.vram_lost = true;
  }
  for (Ring* ring : episode.standing) {
    ring->restart();
    ring->emit_test();
  }
  trace_step("gpu_reset_test");
  episode.phase = Phase::kTesting;
  episode.waited = 0;
}

bool Recovery::tests_passed() const {
  return std::ranges::all_of(episode_->standing,
                             [](const Ring* ring) { return ring->test_passed(); });
}

void Recovery::next_step() {
  Episode& episode = *episode_;
  base::log(base::LogLevel::kError, "Ring {} {} failed", episode.suspect.ring->info().name,
            info(episode.step).name);
  if (episode.step != ResetStep::kGpuReset) {
    enter(static_cast<ResetStep>(static_cast<unsigned>(episode.step) + 1));
  } else if (episode.phase == Phase::kTesting && !std::exchange(episode.retried, true)) {
    enter(ResetStep::kGpuReset);
  } else {
    wedge();
  }
}

// Whom to blame, unless it has completed after all: also those of the rings that stand whose own
// suspicion was waiting, and is over with this.
std::vector<base::Ref<SubmitJob>> Recovery::take_culprits() {
  std::vector<base::Ref<SubmitJob>> culprits;
  const auto add = [&](Case& one) {
    if (one.job && one.job->state() == sched::JobState::kRunning && !one.job->parent())
      culprits.push_back(std::move(one.job));
  };
  add(episode_->suspect);
  std::erase_if(waiting_, [&](Case& one) {
    if (std::ranges::find(episode_->standing, one.ring) == episode_->standing.end()) return false;
    add(one);
    return true;
  });
  return culprits;
}

void Recovery::blame(SubmitJob& job) {
  if (!options_.as_6_12 || episode_->step == ResetStep::kGpuReset) job.context().mark_guilty();
}

void Recovery::conclude() {
  Episode& episode = *episode_;
  ++counts_.resets;
  if (episode.vram_lost) ++counts_.vram_losses;
  trace_step("gpu_reset_settle");
  if (episode.step == ResetStep::kKillWaves) {
    // Its fence has signalled with -ENODATA, and the ring goes on by itself.
    blame(*episode.suspect.job);
  } else {
    const Aftermath after{take_culprits(), episode.vram_lost, options_.hang_limit};
    // No culprit any more, as it has completed: perhaps because its waves died late, and its fence
    // says that they were killed.
    const base::Ref<SubmitJob>& completed = episode.suspect.job;
    if (completed && completed->emission()->error() == -ENODATA) blame(*completed);
    for (const auto& job : after.culprits) {
      episode.suspect.ring->scheduler().increase_karma(*job);
      if (options_.policy->blames(*job, after)) blame(*job);
    }
    for (Ring* ring : episode.standing) settle(*ring, after);
  }
  trace_step("gpu_reset_end");
  base::log(base::LogLevel::kInfo, "Ring {} {} succeeded", episode.suspect.ring->info().name,
            info(episode.step).name);
  host_.recovery_ended(episode.step, episode.vram_lost, std::move(episode.task));
  episode_.reset();
}

// Accounts for what was in flight on the ring, and lets it go on.
void Recovery::settle(Ring& ring, const Aftermath& after) {
  std::vector<base::Ref<SubmitJob>> innocent;
  ring.scheduler().for_each_pending([&](sched::Job& pending) {
    auto& job = static_cast<SubmitJob&>(pending);
    if (job.parent()) return;  // completed
    const Fate fate = options_.policy->judge(job, after);
    if (fate.reemit) {
      innocent.emplace_back(&job);
      return;
    }
    // In 6.12 drm_sched_start() overwrites what the timeout handler had set.
    const int error = options_.as_6_12 ? -ECANCELED : fate.error;
    ring.scheduler().fail_pending(job, error);
    if (fate.ends_context) job.context().end(ring.info().index, error);
  });
  // Until here their address spaces kept their VMIDs. Oldest first, as they were.
  ring.forget_emissions();
  for (const auto& job : innocent) ring.scheduler().reattach(*job, ring.emit_again(*job));
  ring.scheduler().start(lock_.now(), -ECANCELED);
}

void Recovery::wedge() {
  wedged_ = true;
  ++counts_.resets;
  base::log(base::LogLevel::kError, "GPU Recovery Failed: {}", -ENODEV);
  tracer_.emit("gpu_wedged", {{"ring", episode_->suspect.ring->info().name}});
  for (const auto& job : take_culprits()) {
    job->context().mark_guilty();
    job->finished()->set_error(-ETIME);
  }
  for (Ring* ring : episode_->standing) {
    quarantine_.hold(*ring);
    ring->forget_emissions();
    ring->set_ready(false);
    ring->scheduler().start(lock_.now(), -ENODEV);
  }
  base::Ref<Task> task = std::move(episode_->task);
  episode_.reset();
  waiting_.clear();
  host_.recovery_ended(ResetStep::kWedged, false, std::move(task));
}

}  // namespace fakegpu::drv
