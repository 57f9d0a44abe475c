// SPDX-License-Identifier: MIT
// drm_syncobj: a shared box that holds a fence or nothing. "Timeline" is not a type: it is a box
// whose fence is a chain. Real counterpart: drivers/gpu/drm/drm_syncobj.c. Under the device lock.
#pragma once

#include <cstdint>

#include "base/list.h"
#include "base/ref.h"
#include "fence/fence.h"

namespace fakegpu::fence {

class Syncobj;

// Told whenever a syncobj's fence is replaced. Destroying it unregisters.
class SyncobjObserver : public base::ListHook {
 public:
  // The observer is still registered and may unregister itself, or any other, from here.
  virtual void syncobj_changed(Syncobj& syncobj) = 0;
  // The last reference is gone: the syncobj will not change any more. The observer is no longer
  // registered. For those who observe what they hold no reference to.
  virtual void syncobj_gone() {}

 protected:
  ~SyncobjObserver() = default;
};

class Syncobj final : public base::RefCounted {
 public:
  explicit Syncobj(FenceRef fence = nullptr) : fence_(std::move(fence)) {}

  const FenceRef& fence() const { return fence_; }
  // Swaps the fence; observers hear of it if it is another one.
  void replace(FenceRef fence);
  // Puts a chain node with `fence` at `point` on top of what is there. A node cannot contain a
  // chain: of one, the node gets what merge() makes of it, as with TRANSFER.
  void add_point(Contexts& contexts, FenceRef fence, uint64_t point);

  // The fence that stands for `point` now: 0 and the fence (a stub made at `now` if that point is
  // past and gone), or -EINVAL if there is none yet. point 0: the box's own fence.
  int find(uint64_t point, base::Nanos now, FenceRef& out) const;

  void observe(SyncobjObserver& observer) { observers_.push_back(observer); }

 private:
  ~Syncobj() override;
  void notify();

  FenceRef fence_;
  base::List<SyncobjObserver> observers_;
};

using SyncobjRef = base::Ref<Syncobj>;

}  // namespace fakegpu::fence
