// SPDX-License-Identifier: MIT
// Whole packets as amdgpu would emit them, dword by dword: a field that moves in both encode and
// parse still fails here.
#include <gtest/gtest.h>

#include "packets/pm4.h"
#include "packets/registers.h"
#include "packets/sdma.h"

namespace fakegpu::packets {
namespace {

template <typename T>
Words encoded(const T& packet) {
  Words words;
  packet.encode(words);
  return words;
}

constexpr uint64_t kVa = 0x123456789ab8;  // 8-byte aligned
constexpr uint32_t kVaLow = 0x56789ab8;
constexpr uint32_t kVaHigh = 0x1234;

TEST(Pm4Layout, HeaderHasTypeCountOpcodeAndShaderType) {
  EXPECT_EQ(pm4::type3(0x37, 4), 0xc0033700u);
  EXPECT_EQ(pm4::type3(0x15, 4, true), 0xc0031502u);
  EXPECT_EQ(pm4::type3(0x37, pm4::kMaxBodyDwords), 0xffff3700u);
}

TEST(Pm4Layout, HeaderOnlyNopIsAllOnesCount) {
  EXPECT_EQ(encoded(pm4::Nop{}), Words{0xffff1000});
  EXPECT_EQ(pm4::parse_header(0xffff1000)->body_dwords, 0u);
  EXPECT_EQ(pm4::parse_header(0xffff3700)->body_dwords, pm4::kMaxBodyDwords);
}

TEST(Pm4Layout, Nop) {
  const Words payload{1, 2};
  EXPECT_EQ(encoded(pm4::Nop{.payload = payload}), (Words{0xc0011000, 1, 2}));
}

TEST(Pm4Layout, FillerIsAPacketOfItsOwn) {
  const auto header = pm4::parse_header(0x80000000);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, 2);
  EXPECT_EQ(header->body_dwords, 0u);
}

TEST(Pm4Layout, TypeZeroTypeOneAndReservedBitsAreRefused) {
  EXPECT_FALSE(pm4::parse_header(0x00000000));
  EXPECT_FALSE(pm4::parse_header(0x40000000));
  EXPECT_FALSE(pm4::parse_header(0x80000001));
  for (int bit = 2; bit < 8; ++bit) EXPECT_FALSE(pm4::parse_header(0xc0033700u | 1u << bit));
}

TEST(Pm4Layout, WriteData) {
  const Words data{0xdeadbeef, 1};
  EXPECT_EQ(encoded(pm4::WriteData{.destination = pm4::Destination::kMemory,
                                   .one_address = true,
                                   .confirm = true,
                                   .engine = pm4::Engine::kPfp,
                                   .address = kVa,
                                   .data = data}),
            (Words{0xc0043700, 5u << 8 | 1u << 16 | 1u << 20 | 1u << 30, kVaLow, kVaHigh,
                   0xdeadbeef, 1}));
}

TEST(Pm4Layout, CopyData) {
  EXPECT_EQ(encoded(pm4::CopyData{.source = pm4::CopyData::Source::kTimestamp,
                                  .destination = pm4::Destination::kMemory,
                                  .wide = true,
                                  .confirm = true,
                                  .address = kVa}),
            (Words{0xc0044000, 9u | 5u << 8 | 1u << 16 | 1u << 20, 0, 0, kVaLow, kVaHigh}));
}

TEST(Pm4Layout, DmaData) {
  EXPECT_EQ(encoded(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                 .target = pm4::DmaData::Target::kL2,
                                 .sync = true,
                                 .raw_wait = true,
                                 .source_address = 0xaaaa5555,
                                 .address = kVa,
                                 .bytes = 64}),
            (Words{0xc0055000, 3u << 20 | 2u << 29 | 1u << 31, 0xaaaa5555, 0, kVaLow, kVaHigh,
                   64u | 1u << 30}));
}

TEST(Pm4Layout, AtomicMem) {
  EXPECT_EQ(encoded(pm4::AtomicMem{.op = AtomicOp::kCompareSwap64,
                                   .loop = true,
                                   .address = kVa,
                                   .data = 0x100000002,
                                   .compare = 0x300000004,
                                   .interval = 16}),
            (Words{0xc0071e00, 0x28u | 1u << 8, kVaLow, kVaHigh, 2, 1, 4, 3, 16}));
}

TEST(Pm4Layout, WaitRegMem) {
  EXPECT_EQ(encoded(pm4::WaitRegMem{.function = Compare::kGreaterEqual,
                                    .memory = true,
                                    .engine = pm4::Engine::kPfp,
                                    .address = kVa,
                                    .reference = 7,
                                    .mask = 0xff,
                                    .interval = 4}),
            (Words{0xc0053c00, 5u | 1u << 4 | 1u << 8, kVaLow, kVaHigh, 7, 0xff, 4}));
}

TEST(Pm4Layout, CondExec) {
  EXPECT_EQ(encoded(pm4::CondExec{.address = kVa, .count = 12}),
            (Words{0xc0032200, kVaLow, kVaHigh, 0, 12}));
}

TEST(Pm4Layout, IndirectBuffer) {
  EXPECT_EQ(encoded(pm4::IndirectBuffer{.address = kVa,
                                        .dwords = 0x100,
                                        .vmid = 9,
                                        .chain = true,
                                        .pre_enb = true,
                                        .valid = true,
                                        .pre_resume = true}),
            (Words{0xc0023f00, kVaLow, kVaHigh,
                   0x100u | 1u << 20 | 1u << 21 | 1u << 23 | 9u << 24 | 1u << 30}));
}

TEST(Pm4Layout, SetShReg) {
  const Words values{2, 0};
  EXPECT_EQ(encoded(pm4::SetShReg{.offset = sh::kComputePgmLo, .values = values}),
            (Words{0xc0027602, 0x2e0c - 0x2c00, 2, 0}));
}

TEST(Pm4Layout, DispatchDirect) {
  EXPECT_EQ(encoded(pm4::DispatchDirect{.x = 3, .y = 4, .z = 5}), (Words{0xc0031502, 3, 4, 5, 1}));
}

TEST(Pm4Layout, EventWrite) {
  EXPECT_EQ(encoded(pm4::EventWrite{}), (Words{0xc0004600, 0x07u | 4u << 8}));
}

TEST(Pm4Layout, ReleaseMem) {
  EXPECT_EQ(encoded(pm4::ReleaseMem{.cache_actions = 0x7ff,
                                    .cache_policy = 3,
                                    .execute = true,
                                    .destination = 1,
                                    .data_select = pm4::ReleaseMem::Data::k64,
                                    .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite,
                                    .address = kVa,
                                    .data = 0x500000006,
                                    .context_id = 0x77}),
            (Words{0xc0064900, 0x14u | 5u << 8 | 0x7ffu << 12 | 3u << 25 | 1u << 28,
                   1u << 16 | 2u << 24 | 2u << 29, kVaLow, kVaHigh, 6, 5, 0x77}));
}

TEST(Pm4Layout, TeachingPackets) {
  EXPECT_EQ(encoded(pm4::Work{.units = 3, .unit_ns = 10, .flags = 1, .progress_address = kVa}),
            (Words{0xc004e000, 3, 10, 1, kVaLow, kVaHigh}));
  EXPECT_EQ(encoded(pm4::Hang{.mode = pm4::Hang::Mode::kTimed, .argument = 0x100000002}),
            (Words{0xc002e100, 5, 2, 1}));
  EXPECT_EQ(encoded(pm4::Fault{.kind = pm4::Fault::Kind::kPageFault, .argument = kVa}),
            (Words{0xc002e200, 0, kVaLow, kVaHigh}));
  EXPECT_EQ(encoded(pm4::Mark{.id = 42}), (Words{0xc000e300, 42}));
  EXPECT_EQ(encoded(pm4::Hash{.address = kVa, .bytes = 9, .destination = kVa}),
            (Words{0xc004e400, kVaLow, kVaHigh, 9, kVaLow, kVaHigh}));
}

TEST(SdmaLayout, EveryPacket) {
  const Words data{8, 9};
  constexpr uint64_t kIb = 0x123456789aa0;
  EXPECT_EQ(encoded(sdma::Nop{.payload = data}), (Words{2u << 16, 8, 9}));
  EXPECT_EQ(encoded(sdma::CopyLinear{.source = 0x1001, .destination = kVa, .bytes = 4096}),
            (Words{1, 4095, 0, 0x1001, 0, kVaLow, kVaHigh}));
  EXPECT_EQ(encoded(sdma::WriteLinear{.destination = kVa, .data = data}),
            (Words{2, kVaLow, kVaHigh, 1, 8, 9}));
  EXPECT_EQ(encoded(sdma::Indirect{.vmid = 5, .address = kIb, .dwords = 16, .save_area = kVa}),
            (Words{4u | 5u << 16, 0x56789aa0, kVaHigh, 16, kVaLow, kVaHigh}));
  EXPECT_EQ(encoded(sdma::Fence{.address = kVa, .data = 3}), (Words{5, kVaLow, kVaHigh, 3}));
  EXPECT_EQ(encoded(sdma::Trap{.context_id = 1}), (Words{6, 1}));
  EXPECT_EQ(encoded(sdma::PollRegMem{.function = Compare::kEqual,
                                     .memory = true,
                                     .address = kVa,
                                     .reference = 1,
                                     .mask = 0xff,
                                     .interval = 10,
                                     .retries = 0xfff}),
            (Words{8u | 3u << 28 | 1u << 31, kVaLow, kVaHigh, 1, 0xff, 10u | 0xfffu << 16}));
  EXPECT_EQ(encoded(sdma::PollRegMem{.memory = false, .address = 0x1234})[1], 0x1234u << 2);
  EXPECT_EQ(encoded(sdma::CondExec{.address = kVa, .reference = 1, .count = 6}),
            (Words{9, kVaLow, kVaHigh, 1, 6}));
  EXPECT_EQ(encoded(sdma::AtomicMem{.op = AtomicOp::kAdd64, .address = kVa, .data = 1}),
            (Words{10u | 0x2fu << 25, kVaLow, kVaHigh, 1, 0, 0, 0, 0}));
  EXPECT_EQ(encoded(sdma::ConstFill{.destination = kVa, .data = 0xff, .bytes = 256}),
            (Words{11u | 2u << 30, kVaLow, kVaHigh, 0xff, 255}));
  EXPECT_EQ(encoded(sdma::Timestamp{.address = kVa}), (Words{13u | 2u << 8, kVaLow, kVaHigh}));
  EXPECT_EQ(encoded(sdma::SrbmWrite{.reg = 0x2e0c, .data = 5}),
            (Words{14u | 0xfu << 28, 0x2e0c, 5}));
  EXPECT_EQ(encoded(sdma::Work{.units = 2, .unit_ns = 3, .progress_address = kVa}),
            (Words{0xe0, 2, 3, kVaLow, kVaHigh}));
}

TEST(Pm4Layout, LargestPacketsRoundTrip) {
  const Words nop(pm4::kMaxNopBodyDwords, 7);
  EXPECT_EQ(pm4::Nop::parse(encoded(pm4::Nop{.payload = nop}))->payload.size(), nop.size());
  const Words data(pm4::WriteData::kMaxData, 7);
  const Words write = encoded(pm4::WriteData{.data = data});
  ASSERT_EQ(write.size(), size_t{pm4::kMaxBodyDwords} + 1);
  EXPECT_EQ(pm4::WriteData::parse(write)->data.size(), data.size());
}

TEST(SdmaLayout, LargestPacketsRoundTrip) {
  const Words nop(sdma::Nop::kMaxCount, 7);
  EXPECT_EQ(sdma::Nop::parse(encoded(sdma::Nop{.payload = nop}))->payload.size(), nop.size());
  const Words data(sdma::WriteLinear::kMaxData, 7);
  const Words write = encoded(sdma::WriteLinear{.data = data});
  EXPECT_EQ(sdma::packet_dwords(write), write.size());
  EXPECT_EQ(sdma::WriteLinear::parse(write)->data.size(), data.size());
}

TEST(SdmaLayout, LengthOfAnUnknownOrUnfinishedPacketIsNotTold) {
  EXPECT_FALSE(sdma::packet_dwords({}));
  EXPECT_FALSE(sdma::packet_dwords(Words{3}));
  EXPECT_FALSE(sdma::packet_dwords(Words{1u | 1u << 8}));  // tiled copy
  EXPECT_FALSE(sdma::packet_dwords(Words{13}));            // timestamp set
  EXPECT_FALSE(sdma::packet_dwords(Words{2, 0, 0}));       // the count is in the fourth dword
}

}  // namespace
}  // namespace fakegpu::packets
