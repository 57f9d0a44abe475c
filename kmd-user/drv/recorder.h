// SPDX-License-Identifier: MIT
// Writes down what the schedulers are told, for the open files that asked for it
// (DRM_IOCTL_FAKEGPU_RECORD). While nobody does, no scheduler tells anything. Under the device
// lock.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <fakegpu_drm.h>

#include "base/ref.h"
#include "lock.h"

namespace fakegpu::drv {

class EventQueue;
class RecordTap;
class Ring;

class Recorder {
 public:
  Recorder(DeviceLock& lock, const std::vector<std::unique_ptr<Ring>>& rings);
  ~Recorder();

  // Records into `queue`, which has its room, from a snapshot of all rings on.
  void add(EventQueue& queue);
  // Not any more; nothing if it did not.
  void remove(EventQueue& queue);

  // What was written since the last call was one section: hands it to who waits for it.
  void end_section() {
    if (written_) deliver();
  }

  // For the taps. A record of this section and time.
  drm_fakegpu_event_record make(uint32_t kind, uint32_t ring);
  void write(const drm_fakegpu_event_record& record);

 private:
  void deliver();

  DeviceLock& lock_;
  const std::vector<std::unique_ptr<Ring>>& rings_;
  std::vector<std::unique_ptr<RecordTap>> taps_;  // by ring, while somebody records
  std::vector<EventQueue*> queues_;
  EventQueue* only_ = nullptr;  // who alone gets the snapshot that is being taken
  uint64_t section_ = 1;
  bool written_ = false;
};

}  // namespace fakegpu::drv
