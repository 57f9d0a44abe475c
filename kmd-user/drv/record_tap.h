// SPDX-License-Identifier: MIT
// Listens to one ring's scheduler and tells the recorder, in records. Under the device lock.
#pragma once

#include <fakegpu_drm.h>

#include "recorder.h"
#include "ring.h"
#include "sched/memory.h"
#include "sched/observer.h"

namespace fakegpu::drv {

// A record's numbers are as docs/recording.md lists them.
class RecordTap final : public sched::Observer {
 public:
  RecordTap(Recorder& recorder, Ring& ring) : recorder_(recorder), ring_(ring) {
    ring.scheduler().set_observer(this);
  }
  ~RecordTap() override { ring_.scheduler().set_observer(nullptr); }

  // What there is before anything is told.
  void snapshot();
  void tell_stopped();

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
  void remember(const sched::EntityMemory& memory);
  void remember(const sched::JobMemory& memory);
  void tell_owner(const sched::Job& job);
  void queue(const sched::Job& job, uint64_t flags);
  void depend(const sched::Job& job, const fence::FenceRef& dependency);

  Recorder& recorder_;
  Ring& ring_;
};

}  // namespace fakegpu::drv
