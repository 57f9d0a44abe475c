// SPDX-License-Identifier: MIT
#include "record_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fakegpu::drv {

void RecordQueue::push(const drm_fakegpu_event_record& record) {
  const size_t needed = lost_ > 0 ? 2 : 1;
  if (records_.size() - count_ < needed) {
    ++lost_;
    return;
  }
  if (lost_ > 0) {
    drm_fakegpu_event_record gap = {};
    gap.base = record.base;
    gap.kind = DRM_FAKEGPU_RECORD_LOST;
    gap.section = record.section;
    gap.time_ns = record.time_ns;
    gap.value[0] = std::exchange(lost_, 0);
    append(gap);
  }
  append(record);
}

void RecordQueue::append(const drm_fakegpu_event_record& record) {
  records_[(first_ + count_) % records_.size()] = record;
  ++count_;
}

size_t RecordQueue::take(std::span<std::byte> to) {
  constexpr size_t kBytes = sizeof(drm_fakegpu_event_record);
  size_t used = 0;
  while (count_ > 0 && to.size() - used >= kBytes) {
    const size_t run = std::min({count_, records_.size() - first_, (to.size() - used) / kBytes});
    std::memcpy(to.data() + used, &records_[first_], run * kBytes);
    used += run * kBytes;
    first_ = (first_ + run) % records_.size();
    count_ -= run;
  }
  return used;
}

}  // namespace fakegpu::drv
