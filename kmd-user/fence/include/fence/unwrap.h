// SPDX-License-Identifier: MIT
// dma_fence_unwrap: the plain fences behind a chain of arrays, and one fence for many. Neither
// recurses, however long the chain. Under the device lock.
#pragma once

#include <cstddef>
#include <span>

#include "fence/fence.h"

namespace fakegpu::fence {

// Walks the fences that `head` stands for: a chain's nodes from the newest on, of each the
// contained fence or the members of the contained array. Walking drops nodes that are done, as
// Chain::walk() does; a node met that way may still contribute fences that have signalled.
class Unwrap {
 public:
  // `head` may be null: then there is nothing to walk.
  explicit Unwrap(FenceRef head) : node_(std::move(head)) {}

  // The next fence, never a container, or null at the end. Valid until the next call.
  Fence* next();
  // Whether what next() gave is the first of its node.
  bool at_node_start() const { return index_ == 1; }

 private:
  FenceRef node_;
  size_t index_ = 0;  // in the array that is, or is contained in, node_
};

// One fence that signals when all of `fences` (nulls among them do not count) have, as
// dma_fence_unwrap_merge. Takes them apart, drops what has signalled, and keeps of each context
// only the latest. None left: a stub with the time of the latest signal, 0 if there was none. One:
// that fence itself. More: an array of them by ascending context.
//
// Of one fence, this is what SYNCOBJ_TRANSFER puts into a timeline and what may go into a chain.
FenceRef merge(Contexts& contexts, std::span<const FenceRef> fences);

}  // namespace fakegpu::fence
