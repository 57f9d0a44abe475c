// SPDX-License-Identifier: MIT
#include "sim/replay_ring.h"

#include <algorithm>

namespace fakegpu::sim {

ReplayRing::ReplayRing(ReplayStage& stage, uint32_t index, sched::SchedulerOptions options,
                       std::unique_ptr<sched::Policy> policy, fence::Contexts& contexts,
                       base::Tracer& tracer)
    : stage_(stage),
      index_(index),
      scheduler_(std::make_unique<sched::Scheduler>(std::move(options), std::move(policy), *this,
                                                    contexts, tracer)) {}

std::optional<Nanos> ReplayRing::due() const {
  if (flights_.empty() || scheduler_->stopped()) return std::nullopt;
  return flights_.front().due;
}

fence::FenceRef ReplayRing::begin(const ReplayJob& job) {
  const Nanos before = flights_.empty() ? last_end_ : flights_.back().due;
  const Nanos from = std::max(stage_.now(), before);
  const Nanos due = std::min(from, kFar - stage_.occupancy_of(job)) + stage_.occupancy_of(job);
  flights_.push_back({job.index(), &job.script(), from, due, stage_.make_fence()});
  return flights_.back().fence;
}

void ReplayRing::end(const Flight& flight, Nanos noticed) {
  stage_.job_ended(flight.index);
  if (flight.script->error != 0) flight.fence->set_error(flight.script->error);
  flight.fence->signal(noticed - flight.script->lag);
}

void ReplayRing::complete() {
  const Flight flight = std::move(flights_.front());
  flights_.pop_front();
  last_end_ = flight.due;
  busy_ += flight.due - flight.from;
  end(flight, flight.due);
}

void ReplayRing::stop() {
  scheduler_->stop(stage_.now());
}

void ReplayRing::restart(uint32_t restart) {
  const Nanos now = stage_.now();
  std::deque<Flight> before;
  before.swap(flights_);
  scheduler_->for_each_pending([&](sched::Job& pending) {
    auto& job = static_cast<ReplayJob&>(pending);
    const auto flight = std::ranges::find(before, job.index(), &Flight::index);
    if (job.script().failed_restart == restart) {
      last_end_ = now;
      scheduler_->fail_pending(job, job.script().error);
    } else if (flight != before.end() && flight->due <= now) {
      last_end_ = now;
      end(*flight, flight->due);
      scheduler_->reattach(job, flight->fence);
    } else {
      scheduler_->reattach(job, begin(job));
    }
  });
  scheduler_->start(now, -ECANCELED);
}

void ReplayRing::pump() {
  kicked_ = false;
  scheduler_->pump(stage_.now());
}

fence::FenceRef ReplayRing::prepare_job(sched::Job& job) {
  return stage_.blocker_of(static_cast<ReplayJob&>(job));
}

base::Result<fence::FenceRef> ReplayRing::run_job(sched::Job& job) {
  auto& replayed = static_cast<ReplayJob&>(job);
  stage_.job_started(*this, replayed);
  const int outcome = replayed.script().outcome;
  if (outcome < 0) return base::fail(-outcome, "as recorded");
  if (outcome == sched::Observer::kNothing) return fence::FenceRef();
  return begin(replayed);
}

void ReplayRing::free_job(sched::Job& job) {
  stage_.job_freed(static_cast<ReplayJob&>(job));
}

}  // namespace fakegpu::sim
