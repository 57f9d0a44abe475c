// SPDX-License-Identifier: MIT
#include "mm/range_allocator.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace fakegpu::mm {
namespace {

constexpr uint64_t kStart = 0x10'0000;
constexpr uint64_t kSize = 0x4000;

TEST(RangeAllocator, FirstFitByAddress) {
  RangeAllocator ranges(kStart, kSize);
  const uint64_t a = *ranges.allocate(0x100, 1);
  const uint64_t b = *ranges.allocate(0x100, 1);
  EXPECT_EQ(a, kStart);
  EXPECT_EQ(b, kStart + 0x100);
  ranges.release(a, 0x100);
  EXPECT_EQ(*ranges.allocate(0x200, 1), kStart + 0x200);
  EXPECT_EQ(*ranges.allocate(0x80, 1), kStart);
}

TEST(RangeAllocator, RefusesEmptyAndCrookedRequests) {
  RangeAllocator ranges(kStart, kSize);
  EXPECT_EQ(ranges.allocate(0, 1).error().code(), EINVAL);
  EXPECT_EQ(ranges.allocate(1, 0).error().code(), EINVAL);
  EXPECT_EQ(ranges.allocate(1, 3).error().code(), EINVAL);
  EXPECT_EQ(ranges.used(), 0u);
}

TEST(RangeAllocator, ReportsNoSpaceForHugeSizesAndAlignments) {
  RangeAllocator ranges(kStart, kSize);
  EXPECT_EQ(ranges.allocate(kSize + 1, 1).error().code(), ENOSPC);
  EXPECT_EQ(ranges.allocate(UINT64_MAX, 1).error().code(), ENOSPC);
  EXPECT_EQ(ranges.allocate(1, 1ull << 63).error().code(), ENOSPC);
  EXPECT_EQ(*ranges.allocate(kSize, 1), kStart);
  EXPECT_EQ(ranges.allocate(1, 1).error().code(), ENOSPC);
}

TEST(RangeAllocator, AlignmentLeavesAUsableHoleBefore) {
  RangeAllocator ranges(0x10, 0x100);
  EXPECT_EQ(*ranges.allocate(0x10, 0x80), 0x80u);
  EXPECT_EQ(*ranges.allocate(0x70, 1), 0x10u);
}

TEST(RangeAllocator, AnEmptySpaceHasNothingToGive) {
  RangeAllocator ranges(kStart, 0);
  EXPECT_EQ(ranges.size(), 0u);
  EXPECT_EQ(ranges.allocate(1, 1).error().code(), ENOSPC);
}

TEST(RangeAllocator, ReserveTakesOnlyWhatIsFreeAndInside) {
  RangeAllocator ranges(kStart, kSize);
  ASSERT_TRUE(ranges.reserve(kStart + 0x100, 0x100));
  EXPECT_EQ(ranges.reserve(kStart + 0x1ff, 1).error().code(), EEXIST);
  EXPECT_EQ(ranges.reserve(kStart, 0x101).error().code(), EEXIST);
  EXPECT_EQ(ranges.reserve(kStart, kSize).error().code(), EEXIST);
  EXPECT_EQ(ranges.reserve(kStart - 1, 1).error().code(), EINVAL);
  EXPECT_EQ(ranges.reserve(kStart + kSize, 1).error().code(), EINVAL);
  EXPECT_EQ(ranges.reserve(kStart + 1, UINT64_MAX).error().code(), EINVAL);
  EXPECT_EQ(ranges.reserve(kStart, 0).error().code(), EINVAL);
  EXPECT_EQ(ranges.used(), 0x100u);
  ASSERT_TRUE(ranges.reserve(kStart, 0x100));
  ASSERT_TRUE(ranges.reserve(kStart + 0x200, kSize - 0x200));
  EXPECT_EQ(ranges.used(), kSize);
}

// Any sequence of operations: what is handed out is aligned, inside and never overlaps, the byte
// count is right, -ENOSPC is only said when no place exists, and everything coalesces in the end.
RC_GTEST_PROP(RangeAllocator, BehavesLikeASetOfTakenRanges, ()) {
  RangeAllocator ranges(kStart, kSize);
  std::map<uint64_t, uint64_t> taken;
  const auto is_free = [&](uint64_t start, uint64_t size) {
    const auto next = taken.lower_bound(start);
    if (next != taken.end() && next->first - start < size) return false;
    return next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= start;
  };

  uint64_t used = 0;
  const int steps = *rc::gen::inRange(0, 100);
  for (int step = 0; step < steps; ++step) {
    const uint64_t size = *rc::gen::inRange<uint64_t>(1, kSize / 4);
    switch (*rc::gen::inRange(0, 3)) {
      case 0: {
        const uint64_t alignment = 1ull << *rc::gen::inRange(0, 13);
        const auto start = ranges.allocate(size, alignment);
        if (start) {
          RC_ASSERT(*start % alignment == 0);
          RC_ASSERT(*start >= kStart);
          RC_ASSERT(*start + size <= kStart + kSize);
          RC_ASSERT(is_free(*start, size));
          taken[*start] = size;
          used += size;
        } else {
          RC_ASSERT(start.error().code() == ENOSPC);
          for (uint64_t at = (kStart + alignment - 1) & ~(alignment - 1);
               at + size <= kStart + kSize; at += alignment)
            RC_ASSERT(!is_free(at, size));
        }
        break;
      }
      case 1: {
        const uint64_t start = kStart + *rc::gen::inRange<uint64_t>(0, kSize);
        const bool fits = start + size <= kStart + kSize && is_free(start, size);
        RC_ASSERT(ranges.reserve(start, size).has_value() == fits);
        if (fits) {
          taken[start] = size;
          used += size;
        }
        break;
      }
      case 2: {
        if (taken.empty()) break;
        const auto victim = std::next(taken.begin(), *rc::gen::inRange<size_t>(0, taken.size()));
        ranges.release(victim->first, victim->second);
        used -= victim->second;
        taken.erase(victim);
        break;
      }
    }
    RC_ASSERT(ranges.used() == used);
  }
  for (const auto& [start, size] : taken) ranges.release(start, size);
  RC_ASSERT(ranges.used() == 0u);
  RC_ASSERT(ranges.allocate(kSize, 1).has_value());
}

}  // namespace
}  // namespace fakegpu::mm
