// SPDX-License-Identifier: MIT
#include "audit.h"

#include <algorithm>

namespace fakegpu::sched {

void JobRecord::Watch::fence_signaled(fence::Fence& fence) {
  const UncountedAllocations ours;
  (audit_.*handler_)(record_, fence);
}

void Audit::add_ring(MockRing& ring) {
  const size_t at = rings_.size();
  rings_.push_back({&ring});
  ring.on_run = [this, at](TestJob& job) { check_run(at, job); };
  ring.on_free = [this, at](TestJob& job) { check_free(at, job); };
}

JobRecord& Audit::watch(TestJobRef job, const Entity& entity) {
  records_.push_back(
      std::make_unique<JobRecord>(*this, std::move(job), &Audit::scheduled, &Audit::finished));
  JobRecord& record = *records_.back();
  while (entity.scheduler() != &scheduler(record.ring)) ++record.ring;
  record.context = entity.fence_context();
  record.behind_fini = rings_[record.ring].torn_down;
  require(record.job->scheduled()->add_callback(record.on_scheduled) == 0, "I2",
          "scheduled before it was pushed");
  require(record.job->finished()->add_callback(record.on_finished) == 0, "I2",
          "finished before it was pushed");
  return record;
}

void Audit::scheduled(JobRecord& record, fence::Fence& fence) {
  require(++record.scheduled == 1, "I5", "scheduled signals twice");
  record.failed_at_start = record.job->error() != 0;
  require(record.finished == 0, "I2", "finished signals before scheduled");
  require(fence.seqno() == ++last_scheduled_[record.context], "I1", "scheduled out of order");
  const bool emitted = record.job->runs > 0 && record.job->outcome == Outcome::kExecutes;
  require(!emitted || record.job->parent(), "I2", "scheduled signals before its parent is there");
}

void Audit::finished(JobRecord& record, fence::Fence& fence) {
  require(++record.finished == 1, "I5", "finished signals twice");
  require(record.scheduled == 1, "I2", "finished signals before scheduled");
  require(fence.seqno() == ++last_finished_[record.context], "I1", "finished out of order");
  require(record.job->frees == 0, "I6", "finished signals after free_job");
  const bool killed = record.job->runs == 0 && fence.error() == -ESRCH;
  if (!killed || record.behind_fini || rings_[record.ring].torn_down) return;
  for (const auto& dependency : record.job->dependencies()) {
    require(at_rest(*dependency), "I2", "a killed job finishes before what it depends on");
  }
}

const JobRecord* Audit::record_of(const fence::Fence& fence) const {
  for (const auto& record : records_) {
    if (record->job->scheduled().get() == &fence) return record.get();
    if (record->job->finished().get() == &fence) return record.get();
  }
  return nullptr;
}

bool Audit::at_rest(const fence::Fence& fence) const {
  const JobRecord* record = record_of(fence);
  return record ? record->job->is_finished() : fence.test_signaled();
}

bool Audit::satisfied(const fence::Fence& dependency, size_t ring, uint64_t context) const {
  if (dependency.test_signaled()) return true;
  const JobRecord* record = record_of(dependency);
  if (!record || !scheduler(ring).options().in_order) return false;
  if (record->context == context) return true;
  return record->ring == ring && record->job->is_scheduled() && record->job->error() == 0;
}

// Dependencies are looked at when the job comes to the head. One that fails later, in a reset, has
// its place in the ring's order all the same.
bool Audit::was_satisfied(const fence::Fence& dependency, size_t ring, uint64_t context) const {
  if (satisfied(dependency, ring, context)) return true;
  const JobRecord* record = record_of(dependency);
  return record && scheduler(ring).options().in_order && record->ring == ring &&
         record->job->is_scheduled() && !record->failed_at_start;
}

void Audit::check_run(size_t ring, TestJob& job) {
  require(!scheduler(ring).stopped(), "I9", "run_job while stopped");
  require(!rings_[ring].torn_down, "I9", "run_job after fini");
  require(!rings_[ring].lost, "I9", "run_job without a device");
  require(job.runs == 1, "I1", "run_job twice for one job");
  const uint64_t context = job.scheduled()->context();
  require(job.scheduled()->seqno() == last_scheduled_[context] + 1, "I1", "run_job out of order");
  for (const auto& dependency : job.dependencies()) {
    require(was_satisfied(*dependency, ring, context), "I3", "run_job before a dependency");
  }
  require(scheduler(ring).credits_in_flight() <= scheduler(ring).options().credit_limit, "I3",
          "more credits in flight than there are");
  for (const auto& record : records_) {
    if (record->context != context || record->job->runs == 0 || record->job->is_finished())
      continue;
    require(record->ring == ring, "I7", "unfinished jobs of an entity on two rings");
  }
}

void Audit::check_free(size_t ring, TestJob& job) {
  require(job.frees == 1, "I6", "free_job twice");
  require(job.is_finished(), "I6", "free_job before finished");
  require(&job != rings_[ring].in_timeout, "I6", "free_job inside the job's own timed_out");
  require(!scheduler(ring).stopped(), "I9", "free_job while stopped");
}

void Audit::begin_timeout(size_t ring, TestJob& job) {
  rings_[ring].in_timeout = &job;
  require(!job.is_finished(), "I6", "timed_out of a finished job");
  require(job.frees == 0, "I6", "timed_out of a freed job");
  require(world_.now() - job.started_at() >= scheduler(ring).options().timeout, "I6",
          "timed_out too early");
}

void Audit::end_timeout(size_t ring, TimeoutVerdict verdict) {
  rings_[ring].in_timeout = nullptr;
  if (verdict == TimeoutVerdict::kNoDevice) rings_[ring].lost = true;
}

void Audit::check_rest() {
  for (size_t ring = 0; ring < rings_.size(); ++ring) {
    if (rings_[ring].torn_down) check_torn_down(ring);
    check_credits(ring);
    check_conserves_work(ring);
  }
  check_errors();
}

void Audit::check_torn_down(size_t ring) {
  for (const auto& record : records_) {
    if (record->ring != ring) continue;
    require(record->scheduled == 1 && record->finished == 1, "I5",
            "a job has not finished after fini");
    require(record->job->frees == 1, "I6", "a job is not freed after fini");
  }
}

void Audit::check_credits(size_t ring) {
  uint32_t credits = 0;
  scheduler(ring).for_each_pending([&](Job& job) { credits += job.credits(); });
  if (scheduler(ring).stopped()) credits = 0;
  require(scheduler(ring).credits_in_flight() == credits, "I4",
          "credits in flight are not those of the pending jobs");
  require(scheduler(ring).score() == scheduler(ring).usage().unfinished(), "I4",
          "the score is not the number of unfinished jobs");
}

void Audit::check_conserves_work(size_t ring) {
  if (rings_[ring].torn_down || scheduler(ring).stopped() || rings_[ring].mock->kick_pending())
    return;
  const uint32_t spare =
      scheduler(ring).options().credit_limit - scheduler(ring).credits_in_flight();
  require(spare < scheduler(ring).options().credit_limit || scheduler(ring).policy().ready() == 0,
          "I8", "an idle ring and an entity that is ready");
  if (scheduler(ring).options().depth != 0) return;
  // The best may be too big, and nobody overtakes it. If none is, nobody may be left.
  bool some_runnable = false;
  bool all_fit = true;
  for (const auto& record : records_) {
    if (record->ring != ring || !is_ready_head(*record)) continue;
    const fence::FenceRef& blocker = record->job->blocker;
    some_runnable = some_runnable || !blocker || blocker->test_signaled();
    all_fit = all_fit && record->job->credits() <= spare;
  }
  require(!some_runnable || !all_fit, "I8", "spare credits and a head that could run");
}

bool Audit::is_ready_head(const JobRecord& record) const {
  const TestJob& job = *record.job;
  if (job.state() != JobState::kQueued || !job.entity()) return false;
  const auto last = last_scheduled_.find(record.context);
  if (job.scheduled()->seqno() != (last == last_scheduled_.end() ? 1 : last->second + 1))
    return false;
  return std::all_of(job.dependencies().begin(), job.dependencies().end(),
                     [&](const fence::FenceRef& dependency) {
                       return satisfied(*dependency, record.ring, record.context);
                     });
}

void Audit::check_errors() {
  for (const auto& record : records_) {
    const int error = record->job->error();
    require(record->error == 0 || record->error == error, "I14", "an error was lost");
    record->error = error;
  }
}

void Audit::check_drained() {
  for (const auto& record : records_) {
    require(record->finished == 1, "I5", "a job never finishes");
    require(record->job->frees == 1, "I6", "a job is never freed");
  }
}

void Audit::check_end() {
  for (size_t ring = 0; ring < rings_.size(); ++ring) {
    check_torn_down(ring);
    check_credits(ring);
    require(scheduler(ring).credits_in_flight() == 0, "I4", "credits in flight after fini");
    require(scheduler(ring).score() == 0, "I4", "a score after fini");
  }
  for (const auto& record : records_)
    require(record->job->ref_count() == 1, "I12", "somebody still holds a job");
  check_errors();
}

void Audit::release() {
  for (const auto& record : records_) {
    record->on_scheduled.unlink();
    record->on_finished.unlink();
    // The scheduler's reference; freeing gives it back.
    if (record->job->frees == 0 && record->job->ref_count() > 1) record->job->release();
  }
  records_.clear();
}

}  // namespace fakegpu::sched
