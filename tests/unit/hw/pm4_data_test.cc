// SPDX-License-Identifier: MIT
// What the PM4 packets that move data leave in memory and registers.
#include "rig.h"

namespace fakegpu::hw {
namespace {

using Destination = pm4::Destination;

TEST(WriteData, StoresItsDwords) {
  for (const size_t count : {1, 2, 3, 100}) {
    Rig rig;
    Words data;
    for (uint32_t i = 0; i < count; ++i) data.push_back(0xabc00000 + i);
    // 4-byte aligned only, so that two dwords also take the unaligned path.
    for (const PhysAddr at : {kFree, kFree + 0x1004}) {
      rig.execute(kGfx, words(pm4::WriteData{.address = at, .data = data}));
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(rig.dword(at + 4 * i), data[i]);
      EXPECT_EQ(rig.dword(at + 4 * count), 0u);
    }
  }
}

TEST(WriteData, OneAddressTakesEachInTurn) {
  Rig rig;
  const Words data = {1, 2, 3};
  rig.execute(kGfx, words(pm4::WriteData{.one_address = true, .address = kFree, .data = data}));
  EXPECT_EQ(rig.dword(kFree), 3u);
  EXPECT_EQ(rig.dword(kFree + 4), 0u);
}

TEST(WriteData, RegistersFromTheRing) {
  Rig rig;
  const Words data = {11, 12};
  rig.execute(kGfx, words(pm4::WriteData{.destination = Destination::kRegister,
                                         .address = (reg::kScratch + 8) / 4,
                                         .data = data}));
  EXPECT_EQ(rig.function().read32(reg::kScratch + 8), 11u);
  EXPECT_EQ(rig.function().read32(reg::kScratch + 12), 12u);
}

TEST(WriteData, AcrossPagesThatAreNotNeighbours) {
  Rig rig;
  rig.map(2, 0x10000, kFree + 0x5000, kPageSize);
  rig.map(2, 0x11000, kFree + 0x1000, kPageSize);
  rig.map(2, 0x20000, kFree + 0x8000, kPageSize);
  const Words data = {1, 2, 3, 4};
  const Words ib = words(pm4::WriteData{.address = 0x10ff8, .data = data});
  rig.put(kFree + 0x8000, ib);
  rig.execute(kGfx, words(pm4::IndirectBuffer{
                        .address = 0x20000, .dwords = uint32_t(ib.size()), .vmid = 2}));
  EXPECT_EQ(rig.dword(kFree + 0x5ffc), 2u);
  EXPECT_EQ(rig.dword(kFree + 0x1000), 3u);
  EXPECT_EQ(rig.dword(kFree + 0x1004), 4u);
}

TEST(CopyData, EverySourceToMemory) {
  using Source = pm4::CopyData::Source;
  Rig rig;
  rig.qword(kFree + 0x100) = 0x1122334455667788;
  rig.function().write32(reg::kScratch, 0xaa);
  rig.function().write32(reg::kScratch + 4, 0xbb);
  const auto copy = [&](Source source, uint64_t value, bool wide) {
    rig.qword(kFree) = 0;
    rig.execute(kGfx, words(pm4::CopyData{
                          .source = source, .wide = wide, .value = value, .address = kFree}));
    return rig.qword(kFree);
  };
  EXPECT_EQ(copy(Source::kMemory, kFree + 0x100, false), 0x55667788u);
  EXPECT_EQ(copy(Source::kMemory, kFree + 0x100, true), 0x1122334455667788u);
  EXPECT_EQ(copy(Source::kL2, kFree + 0x104, false), 0x11223344u);
  EXPECT_EQ(copy(Source::kImmediate, 77, false), 77u);
  EXPECT_EQ(copy(Source::kImmediate, 0x7700000001, true), 0x7700000001u);
  EXPECT_EQ(copy(Source::kRegister, reg::kScratch / 4, false), 0xaau);
  EXPECT_EQ(copy(Source::kRegister, reg::kScratch / 4, true), 0xbb000000aau);
  EXPECT_EQ(copy(Source::kTimestamp, 0, true), static_cast<uint64_t>(rig.now()));
}

TEST(CopyData, ToRegisters) {
  Rig rig;
  rig.execute(kGfx, words(pm4::CopyData{.source = pm4::CopyData::Source::kImmediate,
                                        .destination = Destination::kRegister,
                                        .wide = true,
                                        .value = 0x500000006,
                                        .address = reg::kScratch / 4}));
  EXPECT_EQ(rig.function().read64(reg::kScratch), 0x500000006u);
}

// Several chunks, with odd ends; from 1 MiB on copies bypass the caches.
constexpr uint32_t kBig = 1100 * 1024 + 13;

void fill_pattern(Rig& rig, PhysAddr at, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i)
    rig.at<uint8_t>(at + i) = static_cast<uint8_t>(i * 7 + i / 251);
}

std::vector<uint8_t> bytes_at(Rig& rig, PhysAddr at, uint32_t bytes) {
  const uint8_t* data = &rig.at<uint8_t>(at, bytes);
  return {data, data + bytes};
}

TEST(DmaData, CopiesAtAnyAlignment) {
  Rig rig;
  fill_pattern(rig, 0x1003, kBig);
  rig.execute(kGfx,
              words(pm4::DmaData{.source_address = 0x1003, .address = kFree + 5, .bytes = kBig}));
  EXPECT_EQ(bytes_at(rig, kFree + 5, kBig), bytes_at(rig, 0x1003, kBig));
  EXPECT_EQ(rig.at<uint8_t>(kFree + 5 + kBig), 0);
}

TEST(DmaData, OverlappingRangesAreMoved) {
  for (const int64_t distance : {-5000, -1, 0, 1, 5000, 300'000}) {
    Rig rig;
    const PhysAddr source = 0x100000;
    const PhysAddr target = source + static_cast<uint64_t>(distance);
    fill_pattern(rig, source, kBig);
    const auto before = bytes_at(rig, source, kBig);
    rig.execute(kGfx,
                words(pm4::DmaData{.source_address = source, .address = target, .bytes = kBig}));
    EXPECT_EQ(bytes_at(rig, target, kBig), before) << distance;
  }
}

TEST(DmaData, FillsWithDwords) {
  Rig rig;
  const uint32_t bytes = 600 * 1024;
  rig.execute(kGfx, words(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                       .source_address = 0xdeadbeef,
                                       .address = kFree + 4,
                                       .bytes = bytes}));
  EXPECT_EQ(rig.dword(kFree), 0u);
  EXPECT_EQ(rig.dword(kFree + 4), 0xdeadbeefu);
  EXPECT_EQ(rig.dword(kFree + bytes), 0xdeadbeefu);
  EXPECT_EQ(rig.dword(kFree + bytes + 4), 0u);
}

TEST(AtomicMem, DoesEachOperation) {
  using packets::AtomicOp;
  Rig rig;
  const auto apply = [&](AtomicOp op, uint64_t before, uint64_t data, uint64_t compare) {
    rig.qword(kFree) = before;
    rig.execute(
        kGfx, words(pm4::AtomicMem{.op = op, .address = kFree, .data = data, .compare = compare}));
    return rig.qword(kFree);
  };
  EXPECT_EQ(apply(AtomicOp::kAdd32, 0x1'ffffffff, 2, 0), 0x1'00000001u);
  EXPECT_EQ(apply(AtomicOp::kAdd64, 0x1'ffffffff, 2, 0), 0x2'00000001u);
  EXPECT_EQ(apply(AtomicOp::kSwap32, 0x1'00000005, 9, 0), 0x1'00000009u);
  EXPECT_EQ(apply(AtomicOp::kSwap64, 0x1'00000005, 9, 0), 9u);
  EXPECT_EQ(apply(AtomicOp::kCompareSwap32, 0x1'00000005, 9, 5), 0x1'00000009u);
  EXPECT_EQ(apply(AtomicOp::kCompareSwap32, 0x1'00000006, 9, 5), 0x1'00000006u);
  EXPECT_EQ(apply(AtomicOp::kCompareSwap64, 0x1'00000005, 9, 0x1'00000005), 9u);
  EXPECT_EQ(apply(AtomicOp::kCompareSwap64, 0x1'00000005, 9, 5), 0x1'00000005u);
}

TEST(Hash, IsFnv1aOfTheBytes) {
  Rig rig;
  const auto hash = [&](PhysAddr at, uint32_t bytes) {
    rig.qword(kFree) = 1;
    rig.execute(kGfx, words(pm4::Hash{.address = at, .bytes = bytes, .destination = kFree}));
    return rig.qword(kFree);
  };
  std::memcpy(&rig.at<char>(0x2001, 6), "foobar", 6);
  EXPECT_EQ(hash(0x2001, 6), 0x85944171f73967e8u);
  EXPECT_EQ(hash(0x2001, 0), pm4::Hash::kBasis);
  fill_pattern(rig, 0x10000, kBig);
  uint64_t expected = pm4::Hash::kBasis;
  for (const uint8_t byte : bytes_at(rig, 0x10000, kBig))
    expected = (expected ^ byte) * pm4::Hash::kPrime;
  EXPECT_EQ(hash(0x10000, kBig), expected);
}

}  // namespace
}  // namespace fakegpu::hw
