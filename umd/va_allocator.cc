// SPDX-License-Identifier: MIT
#include "va_allocator.h"

#include <algorithm>

namespace fakegpu::umd {

VaAllocator::VaAllocator(uint64_t start, uint64_t end) : start_(start), end_(std::max(start, end)) {
  if (start_ < end_) free_.emplace(start_, end_);
}

void VaAllocator::take(std::map<uint64_t, uint64_t>::iterator range, uint64_t at, uint64_t size) {
  const uint64_t start = range->first;
  const uint64_t end = range->second;
  used_.emplace(at, at + size);
  free_.erase(range);
  if (start < at) free_.emplace(start, at);
  if (at + size < end) free_.emplace(at + size, end);
}

std::optional<uint64_t> VaAllocator::allocate(uint64_t size, uint64_t alignment) {
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    const uint64_t at = (range->first + alignment - 1) & ~(alignment - 1);
    if (at < range->first || at > range->second || range->second - at < size) continue;
    take(range, at, size);
    return at;
  }
  return std::nullopt;
}

VaAllocator::Reserved VaAllocator::reserve(uint64_t at, uint64_t size) {
  if (at < start_ || at >= end_ || end_ - at < size) return Reserved::kOutside;
  auto range = free_.upper_bound(at);
  if (range == free_.begin()) return Reserved::kInUse;
  --range;
  if (range->second < at + size) return Reserved::kInUse;
  take(range, at, size);
  return Reserved::kOk;
}

bool VaAllocator::release(uint64_t at) {
  const auto found = used_.find(at);
  if (found == used_.end()) return false;
  uint64_t start = at;
  uint64_t end = found->second;
  used_.erase(found);
  auto next = free_.lower_bound(start);
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->second == start) {
      start = before->first;
      free_.erase(before);
    }
  }
  if (next != free_.end() && next->first == end) {
    end = next->second;
    free_.erase(next);
  }
  free_.emplace(start, end);
  return true;
}

}  // namespace fakegpu::umd
