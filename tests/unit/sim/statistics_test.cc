// SPDX-License-Identifier: MIT
#include "statistics.h"

#include <gtest/gtest.h>

namespace fakegpu::sim {
namespace {

TEST(Histogram, OneValueIsAllItsPercentilesExactly) {
  Histogram values;
  for (int i = 0; i < 3; ++i) values.add(8'000'123);
  for (const double share : {0.0, 0.5, 0.99, 1.0}) EXPECT_EQ(values.percentile(share), 8'000'123u);
  EXPECT_EQ(values.max(), 8'000'123u);
  EXPECT_EQ(values.mean(), 8'000'123);
}

TEST(Histogram, PercentilesAreWithinOnePercent) {
  Histogram values;
  for (uint64_t i = 1; i <= 100'000; ++i) values.add(i * 37);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999})
    EXPECT_NEAR(static_cast<double>(values.percentile(share)), share * 3'700'000,
                share * 3'700'000 * 0.008 + 1);
  EXPECT_EQ(values.percentile(1), 3'700'000u);
}

TEST(Histogram, TakesAnyValue) {
  Histogram values;
  EXPECT_EQ(values.percentile(0.5), 0u);
  values.add(0);
  values.add(UINT64_MAX);
  EXPECT_EQ(values.percentile(0.5), 0u);
  EXPECT_GT(values.percentile(1), UINT64_MAX / 100 * 99);
}

TEST(Jain, IsOneForAllAlikeAndOneNthForOne) {
  const double alike[] = {3, 3, 3, 3};
  const double one[] = {0, 5, 0, 0};
  const double nothing[] = {0, 0};
  EXPECT_DOUBLE_EQ(jain(alike), 1);
  EXPECT_DOUBLE_EQ(jain(one), 0.25);
  EXPECT_DOUBLE_EQ(jain(nothing), 1);
}

TEST(Spread, HasMeanLeastAndGreatest) {
  const double values[] = {4, 1, 7};
  const Spread all = spread(values);
  EXPECT_DOUBLE_EQ(all.mean, 4);
  EXPECT_DOUBLE_EQ(all.min, 1);
  EXPECT_DOUBLE_EQ(all.max, 7);
}

}  // namespace
}  // namespace fakegpu::sim
