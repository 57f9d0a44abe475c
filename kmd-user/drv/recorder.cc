// SPDX-License-Identifier: MIT
#include "recorder.h"

#include "events.h"
#include "record_tap.h"
#include "ring.h"

namespace fakegpu::drv {

Recorder::Recorder(DeviceLock& lock, const std::vector<std::unique_ptr<Ring>>& rings)
    : lock_(lock), rings_(rings) {}

Recorder::~Recorder() = default;

void Recorder::add(EventQueue& queue) {
  if (taps_.empty())
    for (const auto& ring : rings_) taps_.push_back(std::make_unique<RecordTap>(*this, *ring));
  only_ = &queue;
  for (const auto& tap : taps_) tap->snapshot();
  for (const auto& tap : taps_) tap->tell_stopped();
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
    only_->begin_record(record);
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
