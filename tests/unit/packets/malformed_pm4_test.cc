// SPDX-License-Identifier: MIT
// Each way in which a PM4 packet of the right opcode and length can still be wrong.
#include <gtest/gtest.h>

#include "packets/pm4.h"
#include "packets/registers.h"

namespace fakegpu::packets::pm4 {
namespace {

constexpr uint32_t kTooHigh = 0x10000;  // high half of an address past 48 bits

// Encodes `packet`, checks that it is well-formed, replaces one dword, and says whether it parses.
template <typename T>
bool parses_with(const T& packet, size_t dword, uint32_t value) {
  Words words;
  packet.encode(words);
  EXPECT_TRUE(T::parse(words)) << packet.describe();
  words.at(dword) = value;
  return T::parse(words).has_value();
}

template <typename T>
bool parses(const T& packet) {
  Words words;
  packet.encode(words);
  return T::parse(words).has_value();
}

TEST(MalformedPm4, WriteData) {
  const Words data{1};
  const WriteData good{.address = 0x1000, .data = data};
  for (const uint32_t reserved : {3u << 8, 4u << 8, 6u << 8, 15u << 8}) {
    EXPECT_FALSE(parses_with(good, 1, reserved));
  }
  for (const int bit : {0, 7, 12, 15, 17, 19, 21, 25, 29, 31})
    EXPECT_FALSE(parses_with(good, 1, 5u << 8 | 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 2, 0x1001));
  EXPECT_FALSE(parses_with(good, 2, 0x1002));
  EXPECT_FALSE(parses_with(good, 3, kTooHigh));
  const WriteData to_register{.destination = Destination::kRegister, .address = 1, .data = data};
  EXPECT_FALSE(parses_with(to_register, 2, 1u << 18));
  EXPECT_FALSE(parses_with(to_register, 3, 1));
  EXPECT_FALSE(WriteData::parse(Words{type3(WriteData::kOpcode, 3), 5u << 8, 0, 0}));  // no data
}

TEST(MalformedPm4, CopyData) {
  const CopyData good{.value = 0x1000, .address = 0x2000};
  for (const uint32_t source : {3, 4, 6, 7, 8, 10, 15})
    EXPECT_FALSE(parses_with(good, 1, source | 5u << 8)) << source;
  for (const uint32_t target : {3, 4, 6, 7, 15})
    EXPECT_FALSE(parses_with(good, 1, 1u | target << 8)) << target;
  for (const int bit : {4, 7, 12, 17, 21, 29, 31})
    EXPECT_FALSE(parses_with(good, 1, 1u | 5u << 8 | 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 2, 0x1002));
  EXPECT_FALSE(parses_with(good, 3, kTooHigh));
  EXPECT_FALSE(parses_with(good, 4, 0x2002));
  EXPECT_FALSE(parses_with(good, 5, kTooHigh));
  // 64 bits wide: both ends 8-byte aligned.
  EXPECT_FALSE(parses(CopyData{.wide = true, .value = 0x1004, .address = 0x2000}));
  EXPECT_FALSE(parses(CopyData{.wide = true, .value = 0x1000, .address = 0x2004}));
  using Source = CopyData::Source;
  EXPECT_FALSE(parses(CopyData{.source = Source::kImmediate, .value = uint64_t{1} << 32}));
  EXPECT_FALSE(parses(CopyData{.source = Source::kRegister, .value = 1u << 18}));
  EXPECT_FALSE(parses(CopyData{.source = Source::kTimestamp, .wide = false}));
  EXPECT_FALSE(parses(CopyData{.source = Source::kTimestamp, .wide = true, .value = 8}));
}

TEST(MalformedPm4, DmaData) {
  const DmaData good{.source_address = 0x1001, .address = 0x2003, .bytes = 5};
  EXPECT_FALSE(parses_with(good, 1, 1u << 29));  // GDS source
  EXPECT_FALSE(parses_with(good, 1, 1u << 20));  // GDS destination
  EXPECT_FALSE(parses_with(good, 1, 2u << 20));
  for (const int bit : {1, 12, 13, 14, 19, 22, 25, 28})
    EXPECT_FALSE(parses_with(good, 1, 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 3, kTooHigh));
  EXPECT_FALSE(parses_with(good, 5, kTooHigh));
  EXPECT_FALSE(parses_with(good, 6, 0));
  for (const int bit : {26, 27, 28, 29, 31})  // register forms, no increment
    EXPECT_FALSE(parses_with(good, 6, 5u | 1u << bit)) << bit;
  const DmaData fill{.source = DmaData::Source::kData, .address = 0x2000, .bytes = 8};
  EXPECT_FALSE(parses_with(fill, 3, 1));
  EXPECT_FALSE(parses_with(fill, 4, 0x2002));
  EXPECT_FALSE(parses_with(fill, 6, 6));
}

TEST(MalformedPm4, AtomicMem) {
  const AtomicMem good{.op = AtomicOp::kAdd64, .address = 0x1000, .data = 1};
  for (const uint32_t op : {0x00u, 0x09u, 0x10u, 0x47u, 0x7fu})
    EXPECT_FALSE(parses_with(good, 1, op)) << op;
  for (const int bit : {7, 9, 11, 12, 25, 31})
    EXPECT_FALSE(parses_with(good, 1, 0x2fu | 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 1, 0x2fu | 1u << 8));  // an add that loops
  EXPECT_FALSE(parses_with(good, 2, 0x1004));
  EXPECT_FALSE(parses_with(good, 3, kTooHigh));
  EXPECT_FALSE(parses_with(good, 6, 1));  // an add that compares
  EXPECT_FALSE(parses_with(good, 8, 1));  // an interval without a loop
  const AtomicMem narrow{.op = AtomicOp::kCompareSwap32, .loop = true, .address = 0x1004};
  EXPECT_FALSE(parses_with(narrow, 2, 0x1006));
  EXPECT_FALSE(parses_with(narrow, 5, 1));
  EXPECT_FALSE(parses_with(narrow, 7, 1));
  EXPECT_FALSE(parses_with(narrow, 8, 0x2000));
}

TEST(MalformedPm4, WaitRegMem) {
  const WaitRegMem good{.address = 0x1000};
  EXPECT_FALSE(parses_with(good, 1, 7u | 1u << 4));
  for (const int bit : {3, 5, 6, 7, 9, 31})
    EXPECT_FALSE(parses_with(good, 1, 3u | 1u << 4 | 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 2, 0x1002));
  EXPECT_FALSE(parses_with(good, 3, kTooHigh));
  EXPECT_FALSE(parses_with(good, 6, 0x10000));
  EXPECT_FALSE(parses_with(WaitRegMem{.memory = false}, 2, 1u << 18));
  EXPECT_FALSE(parses_with(WaitRegMem{.memory = false}, 3, 1));
}

TEST(MalformedPm4, CondExec) {
  const CondExec good{.address = 0x1000, .count = 1};
  EXPECT_FALSE(parses_with(good, 1, 0x1001));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 3, 1));
  EXPECT_FALSE(parses_with(good, 4, 0x4000));
}

TEST(MalformedPm4, IndirectBuffer) {
  const IndirectBuffer good{.address = 0x1000, .dwords = 8};
  EXPECT_FALSE(parses_with(good, 1, 0x1002));
  EXPECT_FALSE(parses_with(good, 2, kTooHigh));
  EXPECT_FALSE(parses_with(good, 3, 1u << 23));  // empty
  for (const int bit : {22, 28, 29, 31}) EXPECT_FALSE(parses_with(good, 3, 8u | 1u << bit)) << bit;
}

TEST(MalformedPm4, SetShReg) {
  const Words values{1, 2};
  const SetShReg good{.offset = sh::kComputeUserData0, .values = values};
  EXPECT_FALSE(parses_with(good, 1, sh::kCount));
  EXPECT_FALSE(parses_with(good, 1, sh::kCount - 1));  // the second value is past the bank
  EXPECT_TRUE(parses_with(good, 1, sh::kCount - 2));
  EXPECT_FALSE(parses_with(good, 1, 0xffffffff));
  EXPECT_FALSE(parses_with(good, 1, 1u << 28 | sh::kComputeUserData0));  // index field
  EXPECT_FALSE(SetShReg::parse(Words{type3(SetShReg::kOpcode, 1, true), 0}));
}

TEST(MalformedPm4, DispatchDirect) {
  const DispatchDirect good{.x = 1, .y = 1, .z = 1};
  EXPECT_FALSE(parses_with(good, 4, 0));
  EXPECT_FALSE(parses_with(good, 4, 4));
  EXPECT_FALSE(parses_with(good, 4, 3));
  EXPECT_FALSE(parses_with(good, 4, 0x80000001));
  EXPECT_TRUE(parses_with(good, 1, 1u << 24));
  EXPECT_FALSE(parses_with(good, 1, (1u << 24) + 1));
  // Products that would wrap 32 and 64 bits.
  EXPECT_FALSE(parses(DispatchDirect{.x = 1u << 16, .y = 1u << 16, .z = 1}));
  EXPECT_FALSE(parses(DispatchDirect{.x = 0xffffffff, .y = 0xffffffff, .z = 0xffffffff}));
  EXPECT_FALSE(parses(DispatchDirect{.x = 1u << 31, .y = 1u << 31, .z = 4}));
  EXPECT_TRUE(parses(DispatchDirect{.x = 0xffffffff, .y = 0, .z = 0xffffffff}));
}

TEST(MalformedPm4, EventWrite) {
  EXPECT_FALSE(parses_with(EventWrite{}, 1, 0x07));             // index 0
  EXPECT_FALSE(parses_with(EventWrite{}, 1, 0x07u | 5u << 8));  // a timestamp event's index
  EXPECT_FALSE(parses_with(EventWrite{}, 1, 0x16u | 4u << 8));
  EXPECT_FALSE(parses_with(EventWrite{}, 1, 0x07u | 4u << 8 | 1u << 12));
}

TEST(MalformedPm4, ReleaseMem) {
  const ReleaseMem good{.data_select = ReleaseMem::Data::k64, .address = 0x1000, .data = 1};
  constexpr uint32_t kEvent = 0x14u | 5u << 8;
  EXPECT_FALSE(parses_with(good, 1, 0x15u | 5u << 8));
  EXPECT_FALSE(parses_with(good, 1, 0x14u | 4u << 8));
  for (const int bit : {6, 7, 23, 24, 27, 29, 30, 31})
    EXPECT_FALSE(parses_with(good, 1, kEvent | 1u << bit)) << bit;
  for (const int bit : {0, 15, 18, 23, 27, 28})
    EXPECT_FALSE(parses_with(good, 2, 2u << 29 | 1u << bit)) << bit;
  EXPECT_FALSE(parses_with(good, 2, 2u << 29 | 2u << 16));  // destination
  EXPECT_FALSE(parses_with(good, 2, 2u << 29 | 3u << 24));  // interrupt
  EXPECT_FALSE(parses_with(good, 2, 2u << 29 | 1u << 24));  // interrupt only, with data
  EXPECT_FALSE(parses_with(good, 2, 4u << 29));
  EXPECT_FALSE(parses_with(good, 2, 7u << 29));
  EXPECT_FALSE(parses_with(good, 3, 0x1004));
  EXPECT_FALSE(parses_with(good, 4, kTooHigh));
  const ReleaseMem none{.data_select = ReleaseMem::Data::kNone};
  EXPECT_FALSE(parses_with(none, 2, 2u << 24));  // after a write that there is not
  EXPECT_FALSE(parses_with(none, 3, 8));
  EXPECT_FALSE(parses_with(none, 5, 1));
  const ReleaseMem narrow{.data_select = ReleaseMem::Data::k32, .address = 0x1004};
  EXPECT_FALSE(parses_with(narrow, 3, 0x1002));
  EXPECT_FALSE(parses_with(narrow, 6, 1));
  const ReleaseMem stamp{.data_select = ReleaseMem::Data::kTimestamp, .address = 0x1000};
  EXPECT_FALSE(parses_with(stamp, 3, 0x1004));
  EXPECT_FALSE(parses_with(stamp, 5, 1));
}

TEST(MalformedPm4, TeachingPackets) {
  EXPECT_FALSE(parses_with(Work{}, 3, 2));
  EXPECT_FALSE(parses_with(Work{}, 4, 2));
  EXPECT_FALSE(parses_with(Work{}, 5, kTooHigh));
  EXPECT_FALSE(parses_with(Hang{}, 1, 6));
  EXPECT_FALSE(parses_with(Hang{}, 1, 0x100));
  EXPECT_FALSE(parses_with(Hang{}, 2, 1));
  EXPECT_FALSE(parses_with(Hang{}, 3, 1));
  EXPECT_FALSE(parses_with(Fault{}, 1, 9));
  EXPECT_FALSE(parses_with(Fault{}, 1, 0x100));
  EXPECT_FALSE(parses_with(Fault{}, 3, kTooHigh));
  EXPECT_FALSE(parses_with(Fault{.kind = Fault::Kind::kBadOpcode}, 2, 0x100));
  EXPECT_FALSE(parses_with(Fault{.kind = Fault::Kind::kPoison}, 2, 1));
  EXPECT_FALSE(parses_with(Hash{}, 2, kTooHigh));
  EXPECT_FALSE(parses_with(Hash{}, 4, 4));
  EXPECT_FALSE(parses_with(Hash{}, 5, kTooHigh));
}

}  // namespace
}  // namespace fakegpu::packets::pm4
