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
    gap_ = {};
    gap_.base = record.base;
    gap_.kind = DRM_FAKEGPU_RECORD_LOST;
    gap_.section = record.section;
    gap_.time_ns = record.time_ns;
    gap_.value[0] = lost_;
    return;
  }
  if (std::exchange(lost_, 0) > 0) append(gap_);
  append(record);
}

void RecordQueue::append(const drm_fakegpu_event_record& record) {
  records_[(first_ + count_) % records_.size()] = record;
  ++count_;
}

size_t RecordQueue::take(std::span<std::byte> to) {
  constexpr size_t kBytes = sizeof(drm_fakegpu_event_record);
  size_t used = 0;
  if (!beginning_.empty()) {
    const size_t run = std::min(beginning_.size() - begun_, to.size() / kBytes);
    std::memcpy(to.data(), &beginning_[begun_], run * kBytes);
    used = run * kBytes;
    begun_ += run;
    if (begun_ < beginning_.size()) return used;
    beginning_ = {};
  }
  while (count_ > 0 && to.size() - used >= kBytes) {
    const size_t run = std::min({count_, records_.size() - first_, (to.size() - used) / kBytes});
    std::memcpy(to.data() + used, &records_[first_], run * kBytes);
    used += run * kBytes;
    first_ = (first_ + run) % records_.size();
    count_ -= run;
  }
  // Nothing may come any more that it could go before.
  if (count_ == 0 && lost_ > 0 && to.size() - used >= kBytes) {
    std::memcpy(to.data() + used, &gap_, kBytes);
    used += kBytes;
    lost_ = 0;
  }
  return used;
}

}  // namespace fakegpu::drv
