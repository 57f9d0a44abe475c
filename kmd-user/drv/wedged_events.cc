// SPDX-License-Identifier: MIT
#include "wedged_events.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "events.h"
#include "ioctl/wedged_text.h"

namespace fakegpu::drv {

void WedgedEvents::add(EventQueue& queue) {
  if (std::ranges::find(queues_, &queue) == queues_.end()) queues_.push_back(&queue);
}

void WedgedEvents::remove(EventQueue& queue) {
  std::erase(queues_, &queue);
}

void WedgedEvents::announce(uint32_t recovery, base::Ref<Task> task) {
  due_.push_back({recovery, std::move(task)});
}

void WedgedEvents::send(base::Nanos now) {
  for (const Due& due : std::exchange(due_, {})) {
    drm_fakegpu_event_wedged event = {};
    event.base = {DRM_FAKEGPU_EVENT_WEDGED, sizeof(event)};
    event.recovery = due.recovery;
    event.seqnum = ++seqnum_;
    event.time_ns = now;
    // The kernel tells both or neither.
    if (due.task && due.task->pid > 0 && !due.task->command.empty()) {
      event.pid = static_cast<uint32_t>(due.task->pid);
      due.task->command.copy(event.task, sizeof(event.task) - 1);
    }
    const bool recovered = due.recovery == DRM_FAKEGPU_WEDGE_RECOVERY_NONE;
    base::log(base::LogLevel::kInfo, "device wedged, {}",
              recovered ? "but recovered through reset" : "needs recovery");
    const std::string text = ioctl::wedged_text(due.recovery);
    tracer_.emit("drm_dev_wedged_event", {{"recovery", std::string_view(text)},
                                          {"pid", uint64_t{event.pid}},
                                          {"task", std::string_view(event.task)}});
    for (EventQueue* queue : queues_) queue->send(event);
  }
}

}  // namespace fakegpu::drv
