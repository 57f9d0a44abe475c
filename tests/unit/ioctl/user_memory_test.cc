// SPDX-License-Identifier: MIT
#include "ioctl/user_memory.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <vector>

namespace fakegpu::ioctl {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(PlannedMemory, FetchesFromReadableAndStoresToWritableWindows) {
  auto in = bytes_of({1, 2, 3, 4});
  auto out = bytes_of({0, 0, 0, 0});
  PlannedMemory memory;
  memory.add({.address = 0x1000, .bytes = in, .readable = true, .writable = false});
  memory.add({.address = 0x2000, .bytes = out, .readable = false, .writable = true});
  std::array<std::byte, 2> two;
  EXPECT_TRUE(memory.fetch(0x1001, two));
  EXPECT_EQ(two[0], std::byte{2});
  EXPECT_EQ(two[1], std::byte{3});
  EXPECT_TRUE(memory.store(0x2002, two));
  EXPECT_EQ(out, bytes_of({0, 0, 2, 3}));
  EXPECT_FALSE(memory.store(0x1000, two));
  EXPECT_FALSE(memory.fetch(0x2000, two));
  EXPECT_EQ(in, bytes_of({1, 2, 3, 4}));
}

TEST(PlannedMemory, RefusesEverythingOutside) {
  auto window = bytes_of({1, 2, 3, 4});
  PlannedMemory memory;
  memory.add({.address = 0x1000, .bytes = window, .readable = true, .writable = true});
  std::array<std::byte, 2> two{};
  std::array<std::byte, 5> five{};
  EXPECT_FALSE(memory.fetch(0xfff, two));
  EXPECT_FALSE(memory.fetch(0x1003, two));
  EXPECT_FALSE(memory.fetch(0x1004, two));
  EXPECT_FALSE(memory.fetch(0x1000, five));
  EXPECT_FALSE(memory.fetch(0, two));
  EXPECT_FALSE(memory.fetch(~0ull, two));
  EXPECT_FALSE(memory.store(0xfff, two));
  EXPECT_FALSE(memory.store(0x1003, two));
  EXPECT_FALSE(memory.store(~0ull, two));
  EXPECT_FALSE(PlannedMemory().fetch(0x1000, two));
}

TEST(PlannedMemory, NoBytesAreReachableAnywhere) {
  PlannedMemory memory;
  EXPECT_TRUE(memory.fetch(0, {}));
  EXPECT_TRUE(memory.store(~0ull, {}));
}

TEST(PlannedMemory, RangeMayCrossNeighbouringWindows) {
  auto first = bytes_of({1, 2});
  auto second = bytes_of({3, 4});
  PlannedMemory memory;
  memory.add({.address = 0x1002, .bytes = second, .readable = true, .writable = true});
  memory.add({.address = 0x1000, .bytes = first, .readable = true, .writable = true});
  std::array<std::byte, 4> four;
  ASSERT_TRUE(memory.fetch(0x1000, four));
  EXPECT_EQ(std::vector(four.begin(), four.end()), bytes_of({1, 2, 3, 4}));
  ASSERT_TRUE(memory.store(0x1001, bytes_of({8, 9})));
  EXPECT_EQ(first, bytes_of({1, 8}));
  EXPECT_EQ(second, bytes_of({9, 4}));
}

TEST(PlannedMemory, StoreReachesEveryOverlappingWindow) {
  auto low = bytes_of({0, 0, 0, 0});
  auto high = bytes_of({0, 0, 0, 0});
  PlannedMemory memory;
  memory.add({.address = 0x1000, .bytes = low, .readable = false, .writable = true});
  memory.add({.address = 0x1002, .bytes = high, .readable = false, .writable = true});
  ASSERT_TRUE(memory.store(0x1001, bytes_of({1, 2, 3, 4})));
  EXPECT_EQ(low, bytes_of({0, 1, 2, 3}));
  EXPECT_EQ(high, bytes_of({2, 3, 4, 0}));
}

TEST(PlannedMemory, WindowAtTheEndOfTheAddressSpace) {
  auto window = bytes_of({1, 2});
  PlannedMemory memory;
  memory.add({.address = ~0ull - 1, .bytes = window, .readable = true, .writable = true});
  std::array<std::byte, 2> two;
  EXPECT_TRUE(memory.fetch(~0ull - 1, two));
  EXPECT_FALSE(memory.fetch(~0ull, two));
  EXPECT_FALSE(memory.fetch(0, std::span(two).first(1)));
}

// Against a byte-by-byte model of all windows.
TEST(PlannedMemory, BehavesAsAMapFromAddressToByte) {
  EXPECT_TRUE(rc::check([] {
    struct Backing {
      uint64_t address;
      std::vector<std::byte> bytes;
      bool readable, writable;
    };
    std::vector<Backing> backings(*rc::gen::inRange<size_t>(0, 5));
    PlannedMemory memory;
    std::map<uint64_t, std::byte> readable;
    std::map<uint64_t, bool> writable;
    for (Backing& backing : backings) {
      backing.address = 0x1000 + *rc::gen::inRange<uint64_t>(0, 40);
      // The same address holds the same byte, as in the caller's memory.
      for (uint64_t i = 0; i < *rc::gen::inRange<uint64_t>(0, 16); ++i)
        backing.bytes.push_back(static_cast<std::byte>((backing.address + i) * 7));
      backing.readable = *rc::gen::arbitrary<bool>();
      backing.writable = *rc::gen::arbitrary<bool>();
      for (size_t i = 0; i < backing.bytes.size(); ++i) {
        if (backing.readable) readable[backing.address + i] = backing.bytes[i];
        if (backing.writable) writable[backing.address + i] = true;
      }
      memory.add({backing.address, backing.bytes, backing.readable, backing.writable});
    }
    const uint64_t address = 0x1000 + *rc::gen::inRange<uint64_t>(0, 50);
    std::vector<std::byte> range(*rc::gen::inRange<size_t>(1, 20));
    bool can_fetch = true;
    bool can_store = true;
    for (size_t i = 0; i < range.size(); ++i) {
      can_fetch &= readable.contains(address + i);
      can_store &= writable.contains(address + i);
    }
    RC_ASSERT(memory.fetch(address, range) == can_fetch);
    if (can_fetch)
      for (size_t i = 0; i < range.size(); ++i) RC_ASSERT(range[i] == readable[address + i]);
    std::fill(range.begin(), range.end(), std::byte{0xee});
    RC_ASSERT(memory.store(address, range) == can_store);
    for (const Backing& backing : backings)
      for (size_t i = 0; i < backing.bytes.size(); ++i) {
        const uint64_t at = backing.address + i;
        const bool hit = at >= address && at < address + range.size();
        if (!hit || !backing.writable)
          RC_ASSERT(backing.bytes[i] == static_cast<std::byte>(at * 7));
        else if (can_store)
          RC_ASSERT(backing.bytes[i] == std::byte{0xee});
      }
  }));
}

TEST(DirectMemory, CopiesBothWays) {
  DirectMemory memory;
  uint32_t value = 7;
  uint32_t copy = 0;
  const auto address = reinterpret_cast<uint64_t>(&value);
  EXPECT_TRUE(memory.fetch(address, std::as_writable_bytes(std::span(&copy, 1))));
  EXPECT_EQ(copy, 7u);
  copy = 9;
  EXPECT_TRUE(memory.store(address, std::as_bytes(std::span(&copy, 1))));
  EXPECT_EQ(value, 9u);
}

TEST(DirectMemory, NullIsUnreachable) {
  DirectMemory memory;
  std::array<std::byte, 1> one{};
  EXPECT_FALSE(memory.fetch(0, one));
  EXPECT_FALSE(memory.store(0, one));
  EXPECT_TRUE(memory.fetch(0, {}));
}

// Three pages: readable and writable, read-only, none.
class ProcessMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    void* pages =
        mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(pages, MAP_FAILED);
    base_ = static_cast<std::byte*>(pages);
    std::memset(base_, 0x5a, 3 * kPage);
    ASSERT_EQ(mprotect(base_ + kPage, kPage, PROT_READ), 0);
    ASSERT_EQ(mprotect(base_ + 2 * kPage, kPage, PROT_NONE), 0);
  }
  void TearDown() override { munmap(base_, 3 * kPage); }
  uint64_t at(size_t offset) const { return reinterpret_cast<uint64_t>(base_) + offset; }

  const size_t kPage = static_cast<size_t>(getpagesize());
  std::byte* base_ = nullptr;
  ProcessMemory memory_{getpid()};
  std::array<std::byte, 16> buffer_{};
};

TEST_F(ProcessMemoryTest, CopiesBothWays) {
  EXPECT_TRUE(memory_.fetch(at(kPage - 8), buffer_));  // across a page boundary
  EXPECT_EQ(buffer_[15], std::byte{0x5a});
  buffer_.fill(std::byte{1});
  EXPECT_TRUE(memory_.store(at(100), buffer_));
  EXPECT_EQ(base_[100], std::byte{1});
  EXPECT_EQ(base_[115], std::byte{1});
  EXPECT_EQ(base_[116], std::byte{0x5a});
}

TEST_F(ProcessMemoryTest, UnreachableBytesAreAnsweredNotCrashedOn) {
  EXPECT_FALSE(memory_.fetch(at(2 * kPage), buffer_));
  EXPECT_FALSE(memory_.fetch(at(2 * kPage - 8), buffer_));  // only the second half is bad
  EXPECT_FALSE(memory_.store(at(kPage), buffer_));          // read-only
  EXPECT_FALSE(memory_.store(at(kPage - 8), buffer_));
  EXPECT_FALSE(memory_.fetch(0, buffer_));
  EXPECT_FALSE(memory_.fetch(~0ull - 7, buffer_));  // wraps
  EXPECT_FALSE(memory_.fetch(0xffff800000000000, buffer_));
  EXPECT_FALSE(memory_.store(0, buffer_));
}

TEST_F(ProcessMemoryTest, NoBytesAreReachableAnywhere) {
  EXPECT_TRUE(memory_.fetch(0, {}));
  EXPECT_TRUE(memory_.store(0, {}));
}

TEST_F(ProcessMemoryTest, ReachesAChildAndFailsOnceItIsGone) {
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  base_[0] = std::byte{1};
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte;
    close(gate[1]);
    const bool got = read(gate[0], &byte, 1) == 1;
    _exit(got && base_[1] == std::byte{7} ? 42 : 1);
  }
  close(gate[0]);
  base_[0] = std::byte{2};  // in this process only
  ProcessMemory memory(child);
  EXPECT_TRUE(memory.fetch(at(0), buffer_));
  EXPECT_EQ(buffer_[0], std::byte{1});
  EXPECT_TRUE(memory.store(at(1), bytes_of({7})));
  EXPECT_EQ(write(gate[1], "x", 1), 1);
  close(gate[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(base_[1], std::byte{0x5a});
  EXPECT_FALSE(memory.fetch(at(0), buffer_));
}

}  // namespace
}  // namespace fakegpu::ioctl
