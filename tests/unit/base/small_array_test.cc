// SPDX-License-Identifier: MIT
#include "base/small_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <span>

namespace fakegpu::base {
namespace {

using testing::ElementsAre;

class SmallArraySize : public testing::TestWithParam<size_t> {};

TEST_P(SmallArraySize, MovesWhatIsInIt) {
  SmallArray<uint64_t, 2> array;
  array.resize(GetParam());
  std::iota(array.begin(), array.end(), 10);
  SmallArray<uint64_t, 2> moved(std::move(array));
  EXPECT_TRUE(array.empty());  // NOLINT(bugprone-use-after-move): that is what it promises
  SmallArray<uint64_t, 2> assigned;
  assigned.resize(7);
  assigned = std::move(moved);
  ASSERT_EQ(assigned.size(), GetParam());
  for (size_t i = 0; i < assigned.size(); ++i) EXPECT_EQ(assigned.data()[i], 10 + i);
}

INSTANTIATE_TEST_SUITE_P(Sizes, SmallArraySize, testing::Values(0, 1, 2, 3, 100));

TEST(SmallArray, IsASpan) {
  SmallArray<int, 4> array;
  array.resize(3);
  std::span<int> writable(array);
  writable[0] = 1;
  writable[1] = 2;
  writable[2] = 3;
  const SmallArray<int, 4>& view = array;
  const std::span<const int> items(view);
  EXPECT_THAT(items, ElementsAre(1, 2, 3));
}

TEST(SmallArray, CanGrowAndShrink) {
  SmallArray<int, 2> array;
  array.resize(50);
  std::fill(array.begin(), array.end(), 5);
  array.resize(1);
  *array.begin() = 7;
  EXPECT_THAT(std::span(array), ElementsAre(7));
}

}  // namespace
}  // namespace fakegpu::base
