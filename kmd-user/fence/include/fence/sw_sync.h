// SPDX-License-Identifier: MIT
// sw_sync: a timeline that its owner moves by hand, for tests of whatever waits. It counts in 32
// bits and wraps around. Real counterpart: drivers/dma-buf/sw_sync.c. Under the device lock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/ref.h"
#include "fence/fence.h"

namespace fakegpu::fence {

class SwTimeline final : public base::RefCounted {
 public:
  // `name` is what its fences give as their timeline, cut to 31 bytes; in the kernel the command of
  // the process that opened it.
  SwTimeline(Contexts& contexts, std::string_view name);

  std::string_view name() const { return name_; }
  uint64_t context() const { return context_; }
  uint32_t value() const { return static_cast<uint32_t>(value_); }

  // SW_SYNC_IOC_CREATE_FENCE: a fence that signals when the timeline reaches `value`. Up to 2^31 -
  // 1 ahead is the future; all else has been reached, and the fence has signalled at `now`. While
  // there is a pending fence for a value, it is that one.
  FenceRef create_fence(uint32_t value, base::Nanos now);

  // SW_SYNC_IOC_INC, with any step (the kernel splits one above INT_MAX): signals what is reached
  // at `now`, in the order of the values.
  void inc(uint32_t step, base::Nanos now);

  // The owner closes its descriptor: what is pending signals -ENOENT, in order.
  void close(base::Nanos now);

  // SW_SYNC_GET_DEADLINE: 0 and the earliest deadline that was set on `fence`, -EINVAL if it is not
  // one of a SwTimeline, -ENOENT if none was set.
  static int deadline(const Fence& fence, base::Nanos& out);

 private:
  class Point;

  ~SwTimeline() override = default;
  void signal_first(int error, base::Nanos now);

  std::string name_;
  uint64_t context_;
  // Without the wrap-around, so that positions compare. Far from 0, since those of values that were
  // reached lie below.
  uint64_t value_ = uint64_t{1} << 32;
  // The pending fences by position. They hold the timeline, not the reverse.
  std::map<uint64_t, Point*> pending_;
};

using SwTimelineRef = base::Ref<SwTimeline>;

}  // namespace fakegpu::fence
