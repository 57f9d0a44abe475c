// SPDX-License-Identifier: MIT
#include "mm/range_allocator.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <iterator>

namespace fakegpu::mm {

RangeAllocator::RangeAllocator(uint64_t start, uint64_t size)
    : start_(start), size_(size), free_bytes_(size) {
  assert(start + size >= start);
  if (size) holes_.emplace(start, size);
}

base::Result<uint64_t> RangeAllocator::allocate(uint64_t size, uint64_t alignment) {
  if (size == 0) return base::fail(EINVAL, "range of size 0");
  if (!std::has_single_bit(alignment))
    return base::fail(EINVAL, "alignment {:#x} is not a power of two", alignment);

  if (size <= free_bytes_) {
    for (const auto& [hole, hole_size] : holes_) {
      const uint64_t skip = -hole & (alignment - 1);
      if (skip > hole_size || size > hole_size - skip) continue;
      const uint64_t start = hole + skip;
      FAKEGPU_TRY(reserve(start, size));
      return start;
    }
  }
  return base::fail(ENOSPC, "no hole of {:#x} bytes aligned to {:#x}; {:#x} of {:#x} are free",
                    size, alignment, free_bytes_, size_);
}

base::Result<> RangeAllocator::reserve(uint64_t start, uint64_t size) {
  if (size == 0 || start < start_ || size > size_ || start - start_ > size_ - size)
    return base::fail(EINVAL, "range {:#x}+{:#x} is empty or outside", start, size);

  auto hole = holes_.upper_bound(start);
  if (hole == holes_.begin()) return base::fail(EEXIST, "range {:#x}+{:#x} is taken", start, size);
  --hole;
  const uint64_t before = start - hole->first;
  if (before > hole->second || size > hole->second - before)
    return base::fail(EEXIST, "range {:#x}+{:#x} is taken", start, size);

  const uint64_t after = hole->second - before - size;
  if (after) holes_.emplace_hint(std::next(hole), start + size, after);
  if (before)
    hole->second = before;
  else
    holes_.erase(hole);
  free_bytes_ -= size;
  return {};
}

void RangeAllocator::release(uint64_t start, uint64_t size) {
  free_bytes_ += size;
  auto next = holes_.lower_bound(start);
  assert(next == holes_.end() || start + size <= next->first);
  if (next != holes_.end() && start + size == next->first) {
    size += next->second;
    next = holes_.erase(next);
  }
  if (next != holes_.begin()) {
    const auto previous = std::prev(next);
    assert(previous->first + previous->second <= start);
    if (previous->first + previous->second == start) {
      previous->second += size;
      return;
    }
  }
  holes_.emplace_hint(next, start, size);
}

}  // namespace fakegpu::mm
