// SPDX-License-Identifier: MIT
#include "interrupt_ring.h"

#include <cstring>
#include <utility>

#include "hw/registers.h"

namespace fakegpu::drv {

namespace reg = hw::reg;

InterruptRing::~InterruptRing() {
  if (buffer_) function_.write32(reg::kIhCntl, 0);
}

base::Result<> InterruptRing::allocate(mm::MemoryManager& manager, base::Ref<mm::Arena> arena,
                                       base::Ref<mm::Usage> usage) {
  auto buffer = manager.create({.size = kBytes, .heap = mm::Heap::kSystem}, std::move(arena),
                               std::move(usage));
  if (!buffer) return tl::unexpected(std::move(buffer).error());
  buffer_ = std::move(*buffer);
  return {};
}

void InterruptRing::start() {
  rptr_ = 0;
  function_.write64(reg::kIhBaseLo, buffer_->address());
  function_.write32(reg::kIhSize, kBytes);
  function_.write32(reg::kIhRptr, 0);
  function_.write32(reg::kIhCntl, 1);
}

bool InterruptRing::next(hw::IhEntry& entry, bool& complete) {
  uint32_t wptr = function_.read32(reg::kIhWptr);
  if (wptr == UINT32_MAX) return false;  // the chip is in reset
  if (wptr & reg::kIhOverflow) {
    complete = false;
    function_.write32(reg::kIhWptr, reg::kIhOverflow);
    wptr &= ~reg::kIhOverflow;
  }
  if (wptr == rptr_) return false;
  std::memcpy(&entry, buffer_->bytes().data() + rptr_, sizeof(entry));
  rptr_ = (rptr_ + sizeof(entry)) % kBytes;
  function_.write32(reg::kIhRptr, rptr_);
  return true;
}

}  // namespace fakegpu::drv
