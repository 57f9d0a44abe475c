// SPDX-License-Identifier: MIT
#include "call_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace fakegpu::cuse_dev {
namespace {

using ioctl::Direction;
using testing::ElementsAreArray;

constexpr uint64_t kStruct = 0x1000;
constexpr uint64_t kFirst = 0x2000;
constexpr uint64_t kSecond = 0x3000;

std::vector<std::byte> bytes(size_t count, uint8_t value) {
  return std::vector<std::byte>(count, std::byte{value});
}

std::vector<std::byte> join(std::initializer_list<std::vector<std::byte>> parts) {
  std::vector<std::byte> whole;
  for (const auto& part : parts) whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

struct CallMemoryTest : testing::Test {
  std::vector<std::byte> fetch(CallMemory& memory, uint64_t address, size_t count) {
    std::vector<std::byte> got(count);
    EXPECT_TRUE(memory.memory().fetch(address, got));
    return got;
  }

  // What an earlier call left.
  std::vector<std::byte> room = bytes(64, 0xee);
};

TEST_F(CallMemoryTest, StructAndArraysAreWhereTheCallerHasThem) {
  const auto in = join({bytes(8, 1), bytes(4, 2), bytes(4, 3)});
  const ioctl::Segment segments[] = {{kFirst, 4, Direction::kIn}, {kSecond, 4, Direction::kInOut}};
  CallMemory memory(room, {kStruct, {8, 8}}, in, segments);
  EXPECT_EQ(fetch(memory, kStruct, 8), bytes(8, 1));
  EXPECT_EQ(fetch(memory, kFirst, 4), bytes(4, 2));
  EXPECT_EQ(fetch(memory, kSecond, 4), bytes(4, 3));
  EXPECT_FALSE(memory.memory().store(kFirst, bytes(4, 9)));
}

TEST_F(CallMemoryTest, TheStructAndWhatGoesOutGoBackInOnePiece) {
  const auto in = join({bytes(8, 1), bytes(4, 2), bytes(4, 3)});
  const ioctl::Segment segments[] = {{kFirst, 4, Direction::kIn}, {kSecond, 4, Direction::kOut}};
  CallMemory memory(room, {kStruct, {8, 8}}, in, segments);
  ASSERT_TRUE(memory.memory().store(kStruct, bytes(8, 7)));
  ASSERT_TRUE(memory.memory().store(kSecond, bytes(2, 8)));
  EXPECT_THAT(memory.back(), ElementsAreArray(join({bytes(8, 7), bytes(2, 8), bytes(2, 3)})));
  EXPECT_EQ(memory.struct_bytes_back(), 8u);
}

TEST_F(CallMemoryTest, AStructThatStaysIsNotInFrontOfWhatGoesBack) {
  const auto in = join({bytes(8, 1), bytes(4, 3)});
  const ioctl::Segment segments[] = {{kSecond, 4, Direction::kOut}};
  CallMemory memory(room, {kStruct, {8, 0}}, in, segments);
  EXPECT_FALSE(memory.memory().store(kStruct, bytes(8, 7)));
  EXPECT_THAT(memory.back(), ElementsAreArray(bytes(4, 3)));
  EXPECT_EQ(memory.struct_bytes_back(), 0u);
}

TEST_F(CallMemoryTest, AStructThatDoesNotComeIsZero) {
  CallMemory memory(room, {kStruct, {0, 8}}, {}, {});
  EXPECT_EQ(fetch(memory, kStruct, 8), bytes(8, 0));
  EXPECT_THAT(memory.back(), ElementsAreArray(bytes(8, 0)));
}

TEST_F(CallMemoryTest, ArraysThatDidNotComeAreInTheProcess) {
  std::array<std::byte, 4> array{std::byte{5}};
  CallMemory memory(room, {kStruct, {8, 8}}, bytes(8, 1), 8, getpid());
  const auto address = reinterpret_cast<uintptr_t>(array.data());
  EXPECT_EQ(fetch(memory, address, 1), bytes(1, 5));
  ASSERT_TRUE(memory.memory().store(kStruct, bytes(8, 7)));
  EXPECT_THAT(memory.back(), ElementsAreArray(bytes(8, 7)));
}

TEST_F(CallMemoryTest, NoMoreGoesBackThanTheRequestHasRoomFor) {
  CallMemory memory(room, {kStruct, {8, 8}}, bytes(8, 1), 4, getpid());
  EXPECT_THAT(memory.back(), ElementsAreArray(bytes(4, 1)));
  EXPECT_EQ(memory.struct_bytes_back(), 4u);
  EXPECT_EQ(memory.window().size(), 8u);
}

TEST(CallRanges, AsksForArraysThatOnlyGoOutToo) {
  const CallStruct of = {kStruct, {8, 0}};
  const ioctl::Segment segments[] = {{kFirst, 4, Direction::kIn}, {kSecond, 16, Direction::kOut}};
  CallRanges ranges;
  ranges.set(of, segments);
  ASSERT_EQ(ranges.in().size(), 3u);
  EXPECT_EQ(ranges.in()[2].iov_len, 16u);
  ASSERT_EQ(ranges.out().size(), 1u);
  EXPECT_EQ(ranges.out()[0].iov_len, 16u);
  EXPECT_EQ(CallRanges::bytes(of, segments).in, 28u);
  EXPECT_EQ(CallRanges::bytes(of, segments).out, 16u);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
