// SPDX-License-Identifier: MIT
// SYNCOBJ_EVENTFD's registration: tells once that a point has signalled, or exists. It belongs to
// nobody and holds no reference to the syncobj. While the point is absent it goes with the syncobj
// and tells nothing; once the point exists it holds that fence, and what becomes of the syncobj
// does not matter any more. Under the device lock.
#pragma once

#include <cstdint>

#include "base/unique_function.h"
#include "fence/syncobj.h"

namespace fakegpu::fence {

class SyncobjEvent final : private SyncobjObserver, private Callback {
 public:
  using Notify = base::UniqueFunction<void()>;

  // Registers for `point` (0: whatever fence the syncobj has or gets). `notify` runs at most once,
  // from the call that signals or, with `available`, submits the point, perhaps this one; then, or
  // when nothing can come any more, it is destroyed.
  static void watch(Syncobj& syncobj, uint64_t point, bool available, Notify notify);

 private:
  SyncobjEvent(uint64_t point, bool available, Notify notify)
      : point_(point), available_(available), notify_(std::move(notify)) {}
  ~SyncobjEvent() = default;

  void syncobj_changed(Syncobj& syncobj) override;
  void syncobj_gone() override { delete this; }
  void fence_signaled(Fence&) override { fire(); }
  void fire();

  uint64_t point_;
  bool available_;
  FenceRef fence_;  // null while the point is absent
  Notify notify_;
};

}  // namespace fakegpu::fence
