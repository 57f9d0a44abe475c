// SPDX-License-Identifier: MIT
// The records that one open file has not read yet (struct drm_fakegpu_event_record). All room is
// there from the start: records come where nothing may allocate. Under the device lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <fakegpu_drm.h>

namespace fakegpu::drv {

class RecordQueue {
 public:
  static constexpr size_t kDefault = 65536;
  static constexpr size_t kMost = 1u << 20;

  // `capacity`: records, at least 2.
  explicit RecordQueue(size_t capacity) : records_(capacity) {}

  // Without room it is dropped. In place of those that are dropped one after the other stands a
  // LOST record with their number.
  void push(const drm_fakegpu_event_record& record);
  // Of how it was when the recording began, before any push(). There is room for all of it. May
  // allocate.
  void begin_with(const drm_fakegpu_event_record& record) { beginning_.push_back(record); }

  bool empty() const { return beginning_.empty() && count_ == 0 && lost_ == 0; }
  // Copies whole records; returns the bytes.
  size_t take(std::span<std::byte> to);

 private:
  void append(const drm_fakegpu_event_record& record);

  std::vector<drm_fakegpu_event_record> beginning_;
  size_t begun_ = 0;  // taken, of those
  std::vector<drm_fakegpu_event_record> records_;
  size_t first_ = 0;
  size_t count_ = 0;
  uint64_t lost_ = 0;  // and not told yet; gap_ will
  drm_fakegpu_event_record gap_ = {};
};

}  // namespace fakegpu::drv
