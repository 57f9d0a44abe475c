// SPDX-License-Identifier: MIT
#include "struct_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace fakegpu::cuse_dev {
namespace {

uint64_t address_of(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

TEST(StructMemory, ServesTheStructFromItsCopyOnly) {
  // The caller's struct has changed since it was fetched.
  std::array<std::byte, 8> callers{};
  std::array<std::byte, 8> fetched;
  fetched.fill(std::byte{7});
  StructMemory memory(address_of(callers.data()), fetched, getpid());
  std::array<std::byte, 8> got{};
  ASSERT_TRUE(memory.fetch(address_of(callers.data()), got));
  EXPECT_EQ(got, fetched);

  got.fill(std::byte{9});
  ASSERT_TRUE(memory.store(address_of(callers.data()), got));
  EXPECT_EQ(fetched, got);
  EXPECT_EQ(callers[0], std::byte{0});
}

TEST(StructMemory, ReachesArraysInTheProcess) {
  std::array<std::byte, 4> window{};
  std::array<uint32_t, 4> array{1, 2, 3, 4};
  StructMemory memory(0x1000, window, getpid());
  std::array<uint32_t, 4> got{};
  ASSERT_TRUE(memory.fetch(address_of(array.data()), std::as_writable_bytes(std::span(got))));
  EXPECT_EQ(got, array);
  got.fill(5);
  ASSERT_TRUE(memory.store(address_of(array.data()), std::as_bytes(std::span(got))));
  EXPECT_EQ(array[3], 5u);
}

TEST(StructMemory, RefusesWhatCannotBeReached) {
  std::array<std::byte, 4> window{};
  std::array<std::byte, 8> bytes{};
  StructMemory memory(0x1000, window, getpid());
  EXPECT_FALSE(memory.fetch(0x10, bytes));
  EXPECT_FALSE(memory.store(0x10, bytes));
  // Begins in the struct and ends outside of it and of the process.
  EXPECT_FALSE(memory.fetch(0x1000, bytes));
  EXPECT_FALSE(memory.fetch(UINT64_MAX - 3, bytes));
  StructMemory invisible(0x1000, window, 0);
  EXPECT_FALSE(invisible.fetch(address_of(bytes.data()), bytes));
  EXPECT_TRUE(memory.fetch(0x1004, {}));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
