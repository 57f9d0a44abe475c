// SPDX-License-Identifier: MIT
#include "va_allocator.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

namespace fakegpu::umd {
namespace {

using Reserved = VaAllocator::Reserved;

TEST(VaAllocator, GivesTheLowestAlignedRange) {
  VaAllocator addresses(0x1000, 0x100000);
  EXPECT_EQ(addresses.allocate(0x1000, 0x1000), 0x1000);
  EXPECT_EQ(addresses.allocate(0x1000, 0x10000), 0x10000);
  EXPECT_EQ(addresses.allocate(0x1000, 0x1000), 0x2000);
}

TEST(VaAllocator, FillsToTheLastByteAndNoFurther) {
  VaAllocator addresses(0x1000, 0x3000);
  EXPECT_EQ(addresses.allocate(0x3000, 0x1000), std::nullopt);
  EXPECT_EQ(addresses.allocate(0x2000, 0x1000), 0x1000);
  EXPECT_EQ(addresses.allocate(0x1000, 0x1000), std::nullopt);
}

TEST(VaAllocator, AnEmptyOrInvertedRangeGivesNothing) {
  EXPECT_EQ(VaAllocator(0x1000, 0x1000).allocate(1, 1), std::nullopt);
  EXPECT_EQ(VaAllocator(0x2000, 0x1000).allocate(1, 1), std::nullopt);
}

TEST(VaAllocator, MergesWhatIsReleased) {
  VaAllocator addresses(0, 0x3000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(addresses.allocate(0x1000, 0x1000));
  EXPECT_TRUE(addresses.release(0x0000));
  EXPECT_TRUE(addresses.release(0x2000));
  EXPECT_TRUE(addresses.release(0x1000));
  EXPECT_EQ(addresses.allocate(0x3000, 0x1000), 0u);
}

TEST(VaAllocator, ReleasesOnlyWhatStartsThere) {
  VaAllocator addresses(0, 0x10000);
  ASSERT_TRUE(addresses.allocate(0x2000, 0x1000));
  EXPECT_FALSE(addresses.release(0x1000));
  EXPECT_TRUE(addresses.release(0));
  EXPECT_FALSE(addresses.release(0));
}

TEST(VaAllocator, ReservesWhatIsFreeAndInside) {
  VaAllocator addresses(0x1000, 0x10000);
  EXPECT_EQ(addresses.reserve(0x4000, 0x2000), Reserved::kOk);
  EXPECT_EQ(addresses.reserve(0x5000, 0x1000), Reserved::kInUse);
  EXPECT_EQ(addresses.reserve(0x3000, 0x2000), Reserved::kInUse);
  EXPECT_EQ(addresses.reserve(0x0000, 0x1000), Reserved::kOutside);
  EXPECT_EQ(addresses.reserve(0xf000, 0x2000), Reserved::kOutside);
  EXPECT_EQ(addresses.reserve(0xf000, UINT64_MAX), Reserved::kOutside);
  EXPECT_EQ(addresses.allocate(0x4000, 0x1000), 0x6000);
}

TEST(VaAllocator, NeverGivesAPageTwiceAndLosesNone) {
  EXPECT_TRUE(rc::check([] {
    constexpr uint64_t kPages = 32;
    VaAllocator addresses(4, 4 + kPages);
    std::vector<std::pair<uint64_t, uint64_t>> live;
    std::vector<bool> used(4 + kPages);
    const auto mark = [&](uint64_t at, uint64_t size, bool value) {
      for (uint64_t i = at; i < at + size; ++i) {
        RC_ASSERT(i >= 4 && i < used.size() && used[i] != value);
        used[i] = value;
      }
    };
    for (int step = 0; step < 60; ++step) {
      if (!live.empty() && *rc::gen::inRange(0, 2) == 0) {
        const size_t i = *rc::gen::inRange<size_t>(0, live.size());
        RC_ASSERT(addresses.release(live[i].first));
        mark(live[i].first, live[i].second, false);
        live.erase(live.begin() + static_cast<ptrdiff_t>(i));
        continue;
      }
      const uint64_t size = *rc::gen::inRange<uint64_t>(1, 6);
      const uint64_t alignment = uint64_t{1} << *rc::gen::inRange(0, 4);
      const auto at = addresses.allocate(size, alignment);
      // Is there room by the bitmap?
      bool room = false;
      for (uint64_t i = 4; i + size <= used.size(); ++i)
        if (i % alignment == 0 &&
            std::none_of(used.begin() + static_cast<ptrdiff_t>(i),
                         used.begin() + static_cast<ptrdiff_t>(i + size), [](bool u) { return u; }))
          room = true;
      RC_ASSERT(at.has_value() == room);
      if (!at) continue;
      RC_ASSERT(*at % alignment == 0);
      mark(*at, size, true);
      live.emplace_back(*at, size);
    }
  }));
}

}  // namespace
}  // namespace fakegpu::umd
