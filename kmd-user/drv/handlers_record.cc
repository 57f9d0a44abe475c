// SPDX-License-Identifier: MIT
// Recording: what it gives is in recorder.h.
#include "handlers.h"
#include "record_queue.h"

namespace fakegpu::drv {

namespace {

Outcome record(Call& call) {
  const auto& arg = call.as<drm_fakegpu_record>();
  if (!is_owner(call)) return -EACCES;
  EventQueue& events = *call.file.events();
  if (events.records()) return -EBUSY;
  events.start_recording(arg.capacity ? arg.capacity : RecordQueue::kDefault);
  call.file.device().recorder().add(events);
  return 0;
}
int check_record(std::span<const std::byte> arg) {
  const auto& record = view<drm_fakegpu_record>(arg);
  const bool fits = record.capacity != 1 && record.capacity <= RecordQueue::kMost;
  return record.flags == 0 && fits ? 0 : -EINVAL;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_RECORD), locked<record>, check_record},
};

}  // namespace

std::span<const HandlerRow> record_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
