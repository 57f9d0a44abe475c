// SPDX-License-Identifier: MIT
#include "fence_page.h"

namespace fakegpu::drv {

uint32_t FencePage::take() {
  uint32_t first;
  if (!free_.empty()) {
    first = free_.back();
    free_.pop_back();
  } else if (kSlots - used_ >= rings_) {
    first = used_;
    used_ += rings_;
    // The place for it when it comes back, which may be from a fence's callback.
    free_.reserve(used_ / rings_);
  } else {
    return kNoSlot;
  }
  for (uint32_t ring = 0; ring < rings_; ++ring) set(first + ring, 0);
  return first;
}

void FencePage::give_back(uint32_t first) {
  if (first != kNoSlot) free_.push_back(first);
}

base::Result<> FencePage::make() {
  if (made()) return {};
  auto memory = base::create_published_memory("fakegpu-fences", kBytes);
  if (!memory) return tl::unexpected(std::move(memory).error());
  memory_ = std::move(*memory);
  return {};
}

void FencePage::set(uint32_t slot, uint64_t seqno) {
  if (!made()) return;
  std::atomic_ref<uint64_t>(words()[slot]).store(seqno, std::memory_order_release);
}

void FencePage::store(uint32_t slot, uint64_t seqno) {
  if (slot == kNoSlot || frozen_) return;
  set(slot, seqno);
  if (!sleepers_) return;
  lock_.defer([page = base::Ref<FencePage>(this), slot] {
    page->executor_.wake_sleepers(reinterpret_cast<const uint32_t*>(page->words() + slot));
  });
}

}  // namespace fakegpu::drv
