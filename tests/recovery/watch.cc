// SPDX-License-Identifier: MIT
#include "watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace fakegpu::tests {

namespace {

constexpr std::string_view kGivenUp = "rebind,bus-reset";

std::string_view text_of(const base::TraceEvent& event, std::string_view key) {
  for (const base::TraceField& field : event.fields)
    if (field.key == key) return field.text;
  return {};
}

uint64_t number_of(const base::TraceEvent& event, std::string_view key) {
  for (const base::TraceField& field : event.fields)
    if (field.key == key) return field.number;
  return 0;
}

}  // namespace

void Watch::forget_jobs() {
  next_ = nullptr;
  jobs_.clear();
}

void Watch::clear() {
  forget_jobs();
  episodes_.clear();
  told_.clear();
  broken_.clear();
}

void Watch::complain(const Tracked& job, std::string_view what) {
  broken_ += fmt::format("job {} (ring {}, context {}, error {}): {}\n", job.number, job.ring,
                         job.context, job.error, what);
}

Watch::Key Watch::key(const base::TraceEvent& event) {
  return {number_of(event, "fence_context"), number_of(event, "fence_seqno")};
}

Tracked* Watch::find(const base::TraceEvent& event) {
  const auto found = jobs_.find(key(event));
  return found == jobs_.end() ? nullptr : found->second;
}

void Watch::emit(const base::TraceEvent& event) {
  ++order_;
  if (event.name == "drm_sched_job_queue") {
    if (!next_) return;
    next_->queued = order_;
    jobs_[key(event)] = std::exchange(next_, nullptr);
  } else if (event.name == "drm_sched_job_run") {
    Tracked* job = find(event);
    if (!job) return;
    if (++job->runs > 1) complain(*job, "scheduled twice");
    job->run = order_;
  } else if (event.name == "drm_sched_job_done") {
    if (Tracked* job = find(event)) finished(*job);
  } else if (event.name == "gpu_ib_start") {
    if (on_ib) on_ib(static_cast<unsigned>(number_of(event, "ring")));
  } else if (event.name == "gpu_reset_begin") {
    if (recovering()) broken_ += "two recoveries at a time\n";
    episodes_.push_back({.ring = std::string(text_of(event, "ring")), .begin = order_});
  } else if (event.name == "gpu_reset_step") {
    episodes_.back().steps.emplace_back(text_of(event, "step"));
    episodes_.back().step_orders.push_back(order_);
    episodes_.back().step_times.push_back(event.when);
    if (on_step) on_step(episodes_.back().steps.back());
  } else if (event.name == "gpu_reset_end" || event.name == "gpu_wedged") {
    episodes_.back().end = order_;
    episodes_.back().ended = event.when;
    episodes_.back().wedged = event.name == "gpu_wedged";
  } else if (event.name == "drm_dev_wedged_event") {
    told_.emplace_back(text_of(event, "recovery"));
  }
}

void Watch::check_told(bool as_6_12) {
  std::vector<std::string> expected;
  for (const Episode& episode : episodes_) {
    if (as_6_12 || episode.end == 0) continue;
    if (episode.wedged)
      expected.emplace_back(kGivenUp);
    else if (episode.steps.back() != "soft recovery")
      expected.emplace_back("none");
  }
  if (told_ != expected)
    broken_ +=
        fmt::format("told: {}, instead of {}\n", fmt::join(told_, "; "), fmt::join(expected, "; "));
}

bool Watch::is_complete(const Tracked& job) const {
  if (job.memory[Tracked::kHandedOver] != job.expected[0]) return false;
  for (unsigned i = 0; i < Tracked::kDwords; ++i) {
    const bool any_input = i == 3 && job.reads && !job.reads->complete;
    const bool repeated = repetition_ && i == 7 && job.memory[i] > job.expected[i];
    if (job.memory[i] != job.expected[i] && !any_input && !repeated) return false;
  }
  return true;
}

// Right before its fence signals.
void Watch::finished(Tracked& job) {
  if (++job.dones > 1) complain(job, "finished twice");
  job.done = order_;
  if (!told_.empty() && told_.back() == kGivenUp) complain(job, "finished after that was told");
  if (!job.memory) return;
  job.complete = is_complete(job);
  std::fill_n(job.memory, Tracked::kDwords, Tracked::kPaint);
}

void Watch::event(Tracked& job, int error) {
  job.error = error;
  if (++job.events > 1) complain(job, "told to be finished twice");
}

void Watch::check_finished(const Tracked& job) {
  if (job.runs != job.dones) complain(job, job.dones ? "finished, not run" : "run, not finished");
  // Of a file that is gone nothing else is known.
  if (!job.memory) return;
  if (job.events != 1) complain(job, "not told to be finished");
  if (job.runs == 0 && job.error == 0) complain(job, "not run, but without an error");
  if (job.error == 0 && !job.bad && !job.complete) complain(job, "wrong result");
  const uint32_t left = job.dones ? Tracked::kPaint : Tracked::kUntouched;
  if (std::any_of(job.memory, job.memory + Tracked::kDwords,
                  [left](uint32_t dword) { return dword != left; }))
    complain(job, job.dones ? "written to after its fence" : "never run, but written to");
}

}  // namespace fakegpu::tests
