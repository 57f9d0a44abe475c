// SPDX-License-Identifier: MIT
#include "hw/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace fakegpu::hw {
namespace {

constexpr uint64_t kSize = 256 * kPageSize;

struct MemoryTest : testing::Test {
  std::unique_ptr<Memory> memory = *Memory::create(kSize, kSize);
  base::UniqueFd fd = *base::create_sealed_memfd("test", kSize);

  int bind(PhysAddr at, uint64_t size, uint64_t offset) {
    const auto result = memory->bind(at, size, fd.get(), offset);
    return result ? 0 : result.error().negated();
  }
};

TEST_F(MemoryTest, NothingIsThereUntilItIsBound) {
  EXPECT_TRUE(memory->at(0, 1).empty());
  EXPECT_TRUE(memory->at(kSystemBase, 1).empty());
  ASSERT_EQ(bind(kPageSize, kPageSize, 0), 0);
  EXPECT_TRUE(memory->at(0, 1).empty());
  EXPECT_EQ(memory->at(kPageSize, kPageSize).size(), kPageSize);
  EXPECT_TRUE(memory->at(kPageSize, kPageSize + 1).empty());
  EXPECT_TRUE(memory->at(kPageSize - 1, 2).empty());
}

TEST_F(MemoryTest, BoundPagesAreThoseOfTheFile) {
  ASSERT_EQ(bind(kSystemBase + kPageSize, 2 * kPageSize, 4 * kPageSize), 0);
  const auto file = *base::Mapping::map_shared(fd.get(), 0, kSize, 3);
  memory->at(kSystemBase + kPageSize, 2 * kPageSize)[5000] = std::byte{7};
  EXPECT_EQ(file.data()[4 * kPageSize + 5000], std::byte{7});
}

TEST_F(MemoryTest, NeighboursFromDifferentBindsAreOneRange) {
  ASSERT_EQ(bind(0, 64 * kPageSize, 64 * kPageSize), 0);
  ASSERT_EQ(bind(64 * kPageSize, 64 * kPageSize, 0), 0);
  EXPECT_EQ(memory->at(60 * kPageSize, 10 * kPageSize).size(), 10 * kPageSize);
}

TEST_F(MemoryTest, WhatIsBoundOrOutsideIsRefusedAndChangesNothing) {
  ASSERT_EQ(bind(8 * kPageSize, kPageSize, 0), 0);
  EXPECT_EQ(bind(0, 16 * kPageSize, 0), -EEXIST);
  EXPECT_TRUE(memory->at(0, 1).empty());
  EXPECT_EQ(bind(0, 0, 0), -EINVAL);
  EXPECT_EQ(bind(1, kPageSize, 0), -EINVAL);
  EXPECT_EQ(bind(0, kPageSize + 1, 0), -EINVAL);
  EXPECT_EQ(bind(0, kPageSize, 12), -EINVAL);
  EXPECT_EQ(bind(kSize, kPageSize, 0), -EINVAL);
  EXPECT_EQ(bind(kSize - kPageSize, 2 * kPageSize, 0), -EINVAL);
  EXPECT_EQ(bind(~uint64_t{0} & ~(kPageSize - 1), kPageSize, 0), -EINVAL);
  EXPECT_EQ(bind(0, ~uint64_t{0} & ~(kPageSize - 1), 0), -EINVAL);
  // Past the end of the file: whoever touched it would get SIGBUS.
  EXPECT_EQ(bind(0, kPageSize, kSize), -EINVAL);
  EXPECT_EQ(bind(0, 2 * kPageSize, kSize - kPageSize), -EINVAL);
  const auto bad_fd = memory->bind(0, kPageSize, -1, 0);
  ASSERT_FALSE(bad_fd);
  EXPECT_EQ(bad_fd.error().negated(), -EBADF);
}

TEST_F(MemoryTest, UnbindTakesPagesAwayAndTheyCanBeBoundAgain) {
  ASSERT_EQ(bind(0, 128 * kPageSize, 0), 0);
  memory->unbind(63 * kPageSize, 2 * kPageSize);
  EXPECT_TRUE(memory->at(63 * kPageSize, 1).empty());
  EXPECT_TRUE(memory->at(64 * kPageSize, 1).empty());
  EXPECT_TRUE(memory->at(0, 128 * kPageSize).empty());
  EXPECT_FALSE(memory->at(0, 63 * kPageSize).empty());
  EXPECT_FALSE(memory->at(65 * kPageSize, 63 * kPageSize).empty());
  EXPECT_EQ(bind(63 * kPageSize, 2 * kPageSize, 0), 0);
  EXPECT_FALSE(memory->at(0, 128 * kPageSize).empty());
}

TEST_F(MemoryTest, LosingVramWipesItAndSparesSystemMemory) {
  ASSERT_EQ(bind(2 * kPageSize, 2 * kPageSize, 0), 0);
  ASSERT_EQ(bind(9 * kPageSize, kPageSize, 2 * kPageSize), 0);
  ASSERT_EQ(bind(kSystemBase, kPageSize, 8 * kPageSize), 0);
  for (const PhysAddr at : {2 * kPageSize, 9 * kPageSize, kSystemBase})
    memory->at(at, kPageSize)[100] = std::byte{1};
  memory->lose_vram();
  EXPECT_EQ(memory->at(2 * kPageSize, kPageSize)[100], std::byte{0});
  EXPECT_EQ(memory->at(9 * kPageSize, kPageSize)[100], std::byte{0});
  EXPECT_EQ(memory->at(kSystemBase, kPageSize)[100], std::byte{1});
}

TEST_F(MemoryTest, SizesThatAreNoPagesAreRefused) {
  EXPECT_FALSE(Memory::create(0, kSize));
  EXPECT_FALSE(Memory::create(kSize, 100));
  EXPECT_FALSE(Memory::create((1ull << 40) + kPageSize, kSize));
}

TEST_F(MemoryTest, LookupsRunBesideBinds) {
  ASSERT_EQ(bind(0, kPageSize, 0), 0);
  std::atomic<bool> stop{false};
  std::atomic<int> passes{0};
  std::thread reader([&] {
    while (!stop) {
      // Page 0 stays bound all the time and shares a bitmap word with the others.
      for (uint64_t page = 0; page < 64; ++page)
        EXPECT_TRUE(page != 0 || !memory->at(page * kPageSize, 1).empty());
      ++passes;
    }
  });
  while (passes < 50) {
    ASSERT_EQ(bind(kPageSize, 60 * kPageSize, 0), 0);
    memory->unbind(kPageSize, 60 * kPageSize);
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace fakegpu::hw
