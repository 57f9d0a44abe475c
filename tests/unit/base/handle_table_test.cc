// SPDX-License-Identifier: MIT
#include "base/handle_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>

namespace fakegpu::base {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Table = HandleTable<std::shared_ptr<int>>;

std::shared_ptr<int> value(int v) {
  return std::make_shared<int>(v);
}

TEST(HandleTable, CountsFromOne) {
  Table table;
  EXPECT_EQ(table.insert(value(1)), 1u);
  EXPECT_EQ(table.insert(value(2)), 2u);
  EXPECT_EQ(table.size(), 2u);
}

TEST(HandleTable, GivesOutTheLowestFreeHandle) {
  Table table;
  for (int i = 1; i <= 5; ++i) table.insert(value(i));
  table.remove(4);
  table.remove(2);
  EXPECT_EQ(table.insert(value(20)), 2u);
  EXPECT_EQ(table.insert(value(40)), 4u);
  EXPECT_EQ(table.insert(value(6)), 6u);
}

TEST(HandleTable, UnknownHandlesAreNull) {
  Table table;
  table.insert(value(1));
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_EQ(table.find(UINT32_MAX), nullptr);
  EXPECT_EQ(table.remove(0), nullptr);
  EXPECT_EQ(table.remove(2), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(HandleTable, RemovingTwiceFreesOnce) {
  Table table;
  table.insert(value(1));
  table.insert(value(2));
  EXPECT_EQ(*table.remove(1), 1);
  EXPECT_EQ(table.remove(1), nullptr);
  EXPECT_EQ(table.insert(value(3)), 1u);
  EXPECT_EQ(table.insert(value(4)), 3u);
}

TEST(HandleTable, RemovedValueIsLetGo) {
  Table table;
  std::weak_ptr<int> watch;
  {
    auto v = value(1);
    watch = v;
    table.insert(std::move(v));
  }
  EXPECT_FALSE(watch.expired());
  table.remove(1);
  EXPECT_TRUE(watch.expired());
}

TEST(HandleTable, VisitsLiveHandlesInOrder) {
  Table table;
  for (int i = 1; i <= 4; ++i) table.insert(value(i * 10));
  table.remove(2);
  std::vector<std::pair<uint32_t, int>> seen;
  table.for_each(
      [&](uint32_t handle, const std::shared_ptr<int>& v) { seen.emplace_back(handle, *v); });
  EXPECT_THAT(seen, ElementsAre(Pair(1, 10), Pair(3, 30), Pair(4, 40)));
}

TEST(HandleTable, AgreesWithASetOfFreeNumbersUnderRandomUse) {
  std::mt19937 random(7);
  Table table;
  std::set<uint32_t> live;
  for (int step = 0; step < 20'000; ++step) {
    if (live.empty() || random() % 5 < 3) {
      uint32_t lowest = 1;
      for (uint32_t handle : live) {
        if (handle != lowest) break;
        ++lowest;
      }
      ASSERT_EQ(table.insert(value(static_cast<int>(lowest))), lowest);
      live.insert(lowest);
      if (live.size() > 40) {
        for (uint32_t handle : live) ASSERT_EQ(*table.remove(handle), static_cast<int>(handle));
        live.clear();
      }
    } else {
      auto victim = std::next(live.begin(), random() % live.size());
      ASSERT_EQ(*table.remove(*victim), static_cast<int>(*victim));
      live.erase(victim);
    }
    ASSERT_EQ(table.size(), live.size());
  }
}

}  // namespace
}  // namespace fakegpu::base
