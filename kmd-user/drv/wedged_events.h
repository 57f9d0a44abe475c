// SPDX-License-Identifier: MIT
// Tells whoever monitors the device that it hung and what may help (drm_dev_wedged_event()). Under
// the device lock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fakegpu_drm.h>

#include "base/clock.h"
#include "base/ref.h"
#include "base/trace.h"
#include "task.h"

namespace fakegpu::drv {

class EventQueue;

class WedgedEvents {
 public:
  explicit WedgedEvents(base::Tracer& tracer) : tracer_(tracer) {}

  // Sends to `queue` too, if that monitors it. Nothing if it does already.
  void add(EventQueue& queue);
  // Not any more; nothing if it did not.
  void remove(EventQueue& queue);

  // The next send() tells of it: when the jobs that it ended have finished. `task`: who is to
  // blame, null: unknown.
  void announce(uint32_t recovery, base::Ref<Task> task);
  // Whether there is something to send: asked at the end of every section.
  bool due() const { return !due_.empty(); }
  void send(base::Nanos now);

 private:
  struct Due {
    uint32_t recovery;
    base::Ref<Task> task;
  };

  base::Tracer& tracer_;
  std::vector<EventQueue*> queues_;
  std::vector<Due> due_;
  uint64_t seqnum_ = 0;
};

}  // namespace fakegpu::drv
