// SPDX-License-Identifier: MIT
// What a recording begins with: what is there, and what is remembered.
#include <set>

#include "record_tap.h"

namespace fakegpu::drv {

void RecordTap::snapshot() {
  const sched::Scheduler& scheduler = ring_.scheduler();
  const sched::SchedulerMemory memory = scheduler.save();
  auto record = make(DRM_FAKEGPU_RECORD_RING);
  record.value[0] = scheduler.options().credit_limit;
  record.value[1] = static_cast<uint64_t>(scheduler.options().depth);
  record.value[2] = ring_.info().type;
  record.value[3] = scheduler.usage().pushed == 0;
  recorder_.write(record);
  policy_changed();
  record = make(DRM_FAKEGPU_RECORD_TOTALS);
  record.value[0] = memory.totals.completed;
  record.value[1] = static_cast<uint64_t>(memory.totals.average);
  record.value[2] = static_cast<uint64_t>(memory.idle_since);
  recorder_.write(record);
  std::set<uint64_t> known;
  for (const sched::EntityMemory& entity : memory.entities) {
    remember(entity);
    known.insert(entity.entity->fence_context());
  }
  for (const sched::JobMemory& job : memory.jobs) {
    if (known.insert(job.job->scheduled()->context()).second) tell_owner(*job.job);
    remember(job);
  }
  for (const sched::EntityMemory& entity : memory.entities)
    if (entity.blocker) blocked(*entity.entity, *entity.entity->head());
  for (const sched::PolicyMemory& kept : memory.policy) {
    record =
        kept.entity ? of(DRM_FAKEGPU_RECORD_MEMORY, *kept.entity) : make(DRM_FAKEGPU_RECORD_MEMORY);
    record.seqno = kept.index;
    kept.name.copy(reinterpret_cast<char*>(record.value), sizeof(record.value[0]));
    for (size_t i = 0; i < kept.numbers.size(); ++i)
      record.value[1 + i] = static_cast<uint64_t>(kept.numbers[i]);
    recorder_.write(record);
  }
}

void RecordTap::remember(const sched::EntityMemory& memory) {
  const sched::Entity& entity = *memory.entity;
  created(entity);
  auto record = of(DRM_FAKEGPU_RECORD_ACCOUNT, entity);
  record.seqno = entity.last_seqno();
  record.value[0] = memory.account.completed;
  record.value[1] = static_cast<uint64_t>(memory.account.average);
  record.value[2] = static_cast<uint64_t>(memory.account.gpu_time);
  record.value[3] = memory.woken;
  recorder_.write(record);
  if (!memory.lift.lifted()) return;
  record = of(DRM_FAKEGPU_RECORD_LIFT, entity);
  record.seqno = memory.lift.until;
  record.value[0] = memory.lift.waited;
  record.value[1] = static_cast<uint64_t>(memory.lift.deadline);
  record.value[2] = static_cast<uint64_t>(memory.lift.priority);
  record.value[3] = memory.lift.client;
  recorder_.write(record);
}

// That of a job whose entity is killed, or is no more.
void RecordTap::tell_owner(const sched::Job& job) {
  auto record = make(DRM_FAKEGPU_RECORD_ENTITY);
  record.context = job.scheduled()->context();
  record.value[0] = static_cast<uint64_t>(sched::Priority::kNormal);
  record.value[1] = job.account().client_id();
  record.value[2] = 1;
  recorder_.write(record);
}

void RecordTap::remember(const sched::JobMemory& memory) {
  using Place = sched::JobMemory::Place;
  const sched::Job& job = *memory.job;
  queue(job, kBefore);
  if (memory.place == Place::kOnRing) {
    auto record = of(DRM_FAKEGPU_RECORD_RUN, job);
    record.value[1] = kBefore;
    record.value[2] = static_cast<uint64_t>(memory.started_at);
    recorder_.write(record);
  } else if (memory.place != Place::kQueued) {
    auto record = of(DRM_FAKEGPU_RECORD_ENDED, job);
    record.value[0] = static_cast<uint64_t>(memory.finished_at);
    record.value[1] = static_cast<uint64_t>(int64_t{memory.error});
    record.value[2] = static_cast<uint64_t>(memory.started_at);
    record.value[3] = (memory.started ? 1u : 0u) | (memory.place == Place::kFinished ? 2u : 0u);
    recorder_.write(record);
  }
  auto record = of(DRM_FAKEGPU_RECORD_CHARGE, job);
  record.value[0] = static_cast<uint64_t>(memory.expected);
  record.value[1] = memory.flow;
  record.value[2] = memory.charged;
  // Only those that have not signalled are told.
  for (uint32_t i = 0; i < memory.met; ++i)
    record.value[3] += !job.dependencies()[i]->test_signaled();
  recorder_.write(record);
}

// A reset that has begun; after the snapshots of all rings.
void RecordTap::tell_stopped() {
  if (!ring_.scheduler().stopped()) return;
  stopped();
  ring_.scheduler().for_each_pending([this](const sched::Job& job) {
    if (job.finished()->error() < 0) failed(job, job.finished()->error());
  });
}

}  // namespace fakegpu::drv
