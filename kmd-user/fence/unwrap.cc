// SPDX-License-Identifier: MIT
#include "fence/unwrap.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fence/array.h"
#include "fence/chain.h"

namespace fakegpu::fence {

namespace {

// dma_fence_dedup_array: sorts by context and leaves the latest of each. Comparing seqnos while
// sorting would not do: those that wrap around have no order that a sort may rely on.
void keep_latest(std::vector<FenceRef>& fences) {
  std::stable_sort(fences.begin(), fences.end(), [](const FenceRef& a, const FenceRef& b) {
    return a->context() < b->context();
  });
  size_t kept = 0;
  for (size_t i = 1; i < fences.size(); ++i) {
    if (fences[i]->context() != fences[kept]->context()) {
      std::swap(fences[++kept], fences[i]);
    } else if (Fence::is_later(*fences[i], *fences[kept])) {
      std::swap(fences[kept], fences[i]);
    }
  }
  fences.resize(kept + 1);
}

}  // namespace

Fence* Unwrap::next() {
  while (node_) {
    Chain* chain = Chain::from(node_.get());
    Fence* content = chain ? chain->contained().get() : node_.get();
    if (const Array* array = Array::from(content)) {
      if (index_ < array->members().size()) return array->members()[index_++].get();
    } else if (index_++ == 0) {
      return content;
    }
    node_ = chain ? chain->walk() : nullptr;
    index_ = 0;
  }
  return nullptr;
}

FenceRef merge(Contexts& contexts, std::span<const FenceRef> fences) {
  std::vector<FenceRef> pending;
  base::Nanos latest = 0;
  for (const FenceRef& fence : fences) {
    Unwrap leaves(fence);
    while (Fence* leaf = leaves.next()) {
      if (leaf->is_signaled()) {
        latest = std::max(latest, leaf->timestamp());
      } else {
        pending.emplace_back(leaf);
      }
    }
  }
  if (pending.empty()) return make_stub(latest);
  keep_latest(pending);
  if (pending.size() == 1) return std::move(pending[0]);
  return Array::create(contexts, std::move(pending));
}

}  // namespace fakegpu::fence
