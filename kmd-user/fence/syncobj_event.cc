// SPDX-License-Identifier: MIT
#include "fence/syncobj_event.h"

#include <utility>

#include "fence/chain.h"

namespace fakegpu::fence {

void SyncobjEvent::watch(Syncobj& syncobj, uint64_t point, bool available, Notify notify) {
  auto* event = new SyncobjEvent(point, available, std::move(notify));
  syncobj.observe(*event);
  event->syncobj_changed(syncobj);
}

void SyncobjEvent::syncobj_changed(Syncobj& syncobj) {
  FenceRef fence = syncobj.fence();
  if (!fence || Chain::find_seqno(fence, point_) != 0) return;
  SyncobjObserver::unlink();
  // No fence: the point is past and gone.
  if (available_ || !fence) {
    fire();
    return;
  }
  fence_ = fence;
  if (fence->add_callback(*this) != 0) fire();
}

void SyncobjEvent::fire() {
  Notify notify = std::move(notify_);
  delete this;
  notify();
}

}  // namespace fakegpu::fence
