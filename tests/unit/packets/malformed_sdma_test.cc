// SPDX-License-Identifier: MIT
// Each way in which an SDMA packet of the right op and length can still be wrong.
#include <gtest/gtest.h>

#include "packets/sdma.h"

namespace fakegpu::packets::sdma {
namespace {

constexpr uint32_t kTooHigh = 0x10000;  // high half of an address past 48 bits

template <typename T>
Words encoded(const T& packet) {
  Words words;
  packet.encode(words);
  EXPECT_TRUE(T::parse(words)) << packet.describe();
  return words;
}

template <typename T>
bool parses_with(const T& packet, size_t dword, uint32_t value) {
  Words words = encoded(packet);
  words.at(dword) = value;
  return T::parse(words).has_value();
}

// Sets bits of the header that the type has no field for.
template <typename T>
void expect_header_bits_refused(const T& packet, std::initializer_list<int> bits) {
  const Words words = encoded(packet);
  for (const int bit : bits) EXPECT_FALSE(parses_with(packet, 0, words[0] ^ 1u << bit)) << bit;
}

TEST(MalformedSdma, Nop) {
  expect_header_bits_refused(Nop{}, {16, 30, 31});  // 16: one payload dword that is not there
}

TEST(MalformedSdma, CopyLinear) {
  const CopyLinear good{.source = 0x1001, .destination = 0x2003, .bytes = 5};
  expect_header_bits_refused(good, {16, 18, 27, 31});  // encrypt, tmz, broadcast
  EXPECT_FALSE(parses_with(good, 1, 1u << 22));
  EXPECT_FALSE(parses_with(good, 2, 1u << 16));  // swaps
  EXPECT_FALSE(parses_with(good, 4, kTooHigh));
  EXPECT_FALSE(parses_with(good, 6, kTooHigh));
}

TEST(MalformedSdma, WriteLinear) {
  const Words data{1};
  const WriteLinear good{.destination = 0x1000, .data = data};
  expect_header_bits_refused(good, {16, 18, 31});
  EXPECT_FALSE(parses_with(good, 1, 0x1002));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 3, 1));         // more than there is
  EXPECT_FALSE(parses_with(good, 3, 1u << 24));  // swap
  EXPECT_FALSE(parses_with(good, 3, 0xffffffff));
  EXPECT_FALSE(WriteLinear::parse(Words{2, 0, 0, 0}));
}

TEST(MalformedSdma, Indirect) {
  const Indirect good{.address = 0x1000, .dwords = 8};
  expect_header_bits_refused(good, {20, 31});
  EXPECT_FALSE(parses_with(good, 1, 0x1010));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 3, 0));
  EXPECT_FALSE(parses_with(good, 3, 1u << 20));
  EXPECT_FALSE(parses_with(good, 4, 2));
  EXPECT_FALSE(parses_with(good, 5, kTooHigh));
}

TEST(MalformedSdma, FenceAndTrap) {
  expect_header_bits_refused(Fence{}, {16, 31});
  EXPECT_FALSE(parses_with(Fence{}, 1, 2));
  EXPECT_FALSE(parses_with(Fence{}, 2, kTooHigh));
  expect_header_bits_refused(Trap{}, {16, 31});
  EXPECT_FALSE(parses_with(Trap{}, 1, 1u << 28));
}

TEST(MalformedSdma, PollRegMem) {
  const PollRegMem good{.address = 0x1000};
  expect_header_bits_refused(good, {16, 26, 27});  // 26: HDP flush
  EXPECT_FALSE(parses_with(good, 0, 8u | 7u << 28 | 1u << 31));
  EXPECT_FALSE(parses_with(good, 1, 0x1002));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 5, 1u << 28));
  const PollRegMem reg{.memory = false, .address = 1};
  EXPECT_FALSE(parses_with(reg, 1, 1u << 20));
  EXPECT_FALSE(parses_with(reg, 1, 2));
  EXPECT_FALSE(parses_with(reg, 2, 1));
}

TEST(MalformedSdma, CondExec) {
  expect_header_bits_refused(CondExec{}, {16, 31});
  EXPECT_FALSE(parses_with(CondExec{}, 1, 2));
  EXPECT_FALSE(parses_with(CondExec{}, 2, kTooHigh));
  EXPECT_FALSE(parses_with(CondExec{}, 4, 0x4000));
}

TEST(MalformedSdma, Atomic) {
  const AtomicMem good{.op = AtomicOp::kAdd64, .address = 0x1000, .data = 1};
  expect_header_bits_refused(good, {16, 17, 18, 24});  // 16: an add that loops
  EXPECT_FALSE(parses_with(good, 0, 10u | 0x10u << 25));
  EXPECT_FALSE(parses_with(good, 1, 0x1004));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 5, 1));
  EXPECT_FALSE(parses_with(good, 7, 1));
  const AtomicMem narrow{.op = AtomicOp::kCompareSwap32, .loop = true};
  EXPECT_FALSE(parses_with(narrow, 4, 1));
  EXPECT_FALSE(parses_with(narrow, 7, 0x2000));
}

TEST(MalformedSdma, ConstFill) {
  const ConstFill good{.destination = 0x1000, .bytes = 64};
  expect_header_bits_refused(good, {16, 29, 30, 31});  // swap; other fill sizes
  EXPECT_FALSE(parses_with(good, 1, 0x1002));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 4, 64));  // 65 bytes
  EXPECT_FALSE(parses_with(good, 4, 1u << 22 | 3));
}

TEST(MalformedSdma, TimestampAndSrbmWrite) {
  expect_header_bits_refused(Timestamp{}, {16, 31});
  EXPECT_FALSE(parses_with(Timestamp{}, 1, 4));
  EXPECT_FALSE(parses_with(Timestamp{}, 2, kTooHigh));
  expect_header_bits_refused(SrbmWrite{}, {16, 28, 31});  // byte enables
  EXPECT_FALSE(parses_with(SrbmWrite{}, 1, 1u << 18));
}

TEST(MalformedSdma, Work) {
  expect_header_bits_refused(Work{}, {16, 31});
  EXPECT_FALSE(parses_with(Work{}, 3, 2));
  EXPECT_FALSE(parses_with(Work{}, 4, kTooHigh));
}

}  // namespace
}  // namespace fakegpu::packets::sdma
