// SPDX-License-Identifier: MIT
#include "fence/syncobj.h"

#include <cerrno>
#include <utility>

#include "fence/chain.h"
#include "fence/unwrap.h"

namespace fakegpu::fence {

Syncobj::~Syncobj() {
  while (SyncobjObserver* observer = observers_.pop_front()) observer->syncobj_gone();
}

void Syncobj::replace(FenceRef fence) {
  if (fence == fence_) return;
  std::swap(fence_, fence);
  notify();
}

void Syncobj::add_point(Contexts& contexts, FenceRef fence, uint64_t point) {
  if (Chain::from(fence.get())) fence = merge(contexts, {&fence, 1});
  const base::Ref<Chain> node = Chain::create(contexts, fence_, std::move(fence), point);
  fence_ = node;
  notify();
  node->collect();
}

int Syncobj::find(uint64_t point, base::Nanos now, FenceRef& out) const {
  FenceRef fence = fence_;
  if (!fence || Chain::find_seqno(fence, point) != 0) return -EINVAL;
  out = fence ? std::move(fence) : make_stub(now);
  return 0;
}

void Syncobj::notify() {
  if (observers_.empty()) return;
  const SyncobjRef self(this);
  // Each goes back before it is told, so that whatever it unregisters is never told afterwards.
  base::List<SyncobjObserver> untold;
  untold.splice_back(observers_);
  while (SyncobjObserver* observer = untold.pop_front()) {
    observers_.push_back(*observer);
    observer->syncobj_changed(*this);
  }
}

}  // namespace fakegpu::fence
