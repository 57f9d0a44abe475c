// SPDX-License-Identifier: MIT
#include "packets/describe.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "packets/pm4.h"
#include "packets/registers.h"
#include "packets/sdma.h"

namespace fakegpu::packets {
namespace {

using pm4::ReleaseMem;

TEST(Describe, Pm4Packets) {
  const Words data{1, 0xff};
  const Words many(12, 0);
  EXPECT_EQ(pm4::Nop{.payload = data}.describe(), "NOP dwords=3");
  EXPECT_EQ((pm4::WriteData{.confirm = true, .address = 0x1000, .data = data}.describe()),
            "WRITE_DATA dst=mem addr=0x1000 confirm data=[0x1, 0xff]");
  EXPECT_EQ((pm4::WriteData{.destination = pm4::Destination::kRegister,
                            .engine = pm4::Engine::kPfp,
                            .address = 0x20,
                            .data = many}
                 .describe()),
            "WRITE_DATA dst=reg addr=0x20 pfp data=[0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, ... 12 "
            "in all]");
  EXPECT_EQ(
      (pm4::CopyData{.source = pm4::CopyData::Source::kTimestamp, .wide = true, .address = 0x1000}
           .describe()),
      "COPY_DATA src=timestamp value=0x0 dst=mem addr=0x1000 bits=64");
  EXPECT_EQ((pm4::DmaData{.sync = true, .source_address = 0x1000, .address = 0x2000, .bytes = 64}
                 .describe()),
            "DMA_DATA src=0x1000 dst=0x2000 bytes=64 sync");
  EXPECT_EQ((pm4::AtomicMem{.op = AtomicOp::kCompareSwap32,
                            .loop = true,
                            .address = 0x1000,
                            .data = 1,
                            .compare = 2,
                            .interval = 3}
                 .describe()),
            "ATOMIC_MEM op=cmpswap32 addr=0x1000 data=0x1 compare=0x2 loop interval=3");
  EXPECT_EQ((pm4::WaitRegMem{.address = 0x1000, .reference = 1}.describe()),
            "WAIT_REG_MEM addr=0x1000 mask=0xffffffff until===0x1 interval=32");
  EXPECT_EQ((pm4::CondExec{.address = 0x1000, .count = 9}.describe()),
            "COND_EXEC addr=0x1000 count=9");
  EXPECT_EQ(
      (pm4::IndirectBuffer{.address = 0x1000, .dwords = 8, .vmid = 2, .pre_enb = true}.describe()),
      "INDIRECT_BUFFER addr=0x1000 dwords=8 vmid=2 pre_enb");
  EXPECT_EQ((pm4::SetShReg{.offset = sh::kComputePgmLo, .values = data}.describe()),
            "SET_SH_REG reg=COMPUTE_PGM_LO values=[0x1, 0xff]");
  EXPECT_EQ((pm4::DispatchDirect{.x = 2, .y = 3, .z = 1}.describe()),
            "DISPATCH_DIRECT x=2 y=3 z=1 initiator=0x1");
  EXPECT_EQ(pm4::EventWrite{}.describe(), "EVENT_WRITE event=CS_PARTIAL_FLUSH");
  EXPECT_EQ((ReleaseMem{.data_select = ReleaseMem::Data::k64,
                        .interrupt = ReleaseMem::Interrupt::kAfterWrite,
                        .address = 0x1000,
                        .data = 7,
                        .context_id = 1}
                 .describe()),
            "RELEASE_MEM event=CACHE_FLUSH_AND_INV_TS_EVENT data_sel=64 int_sel=after_write "
            "addr=0x1000 data=0x7 ctx_id=0x1");
  EXPECT_EQ((pm4::Work{.units = 3, .unit_ns = 1000, .flags = 1}.describe()),
            "WORK units=3 unit_ns=1000 preempt");
  EXPECT_EQ((pm4::Hang{.mode = pm4::Hang::Mode::kTimed, .argument = 5}.describe()),
            "HANG mode=timed ns=5");
  EXPECT_EQ((pm4::Fault{.kind = pm4::Fault::Kind::kPageFault, .argument = 0x10}.describe()),
            "FAULT kind=page_fault arg=0x10");
  EXPECT_EQ((pm4::Mark{.id = 16}.describe()), "MARK id=0x10");
  EXPECT_EQ((pm4::Hash{.address = 1, .bytes = 2, .destination = 8}.describe()),
            "HASH addr=0x1 bytes=2 dst=0x8");
}

TEST(Describe, SdmaPackets) {
  const Words data{1};
  EXPECT_EQ(sdma::Nop{}.describe(), "NOP dwords=1");
  EXPECT_EQ((sdma::CopyLinear{.source = 1, .destination = 2, .bytes = 3}.describe()),
            "COPY_LINEAR src=0x1 dst=0x2 bytes=3");
  EXPECT_EQ((sdma::WriteLinear{.destination = 4, .data = data}.describe()),
            "WRITE_LINEAR dst=0x4 data=[0x1]");
  EXPECT_EQ((sdma::Indirect{.vmid = 1, .address = 32, .dwords = 8, .save_area = 4}.describe()),
            "INDIRECT addr=0x20 dwords=8 vmid=1 csa=0x4");
  EXPECT_EQ((sdma::Fence{.address = 4, .data = 5}.describe()), "FENCE addr=0x4 data=0x5");
  EXPECT_EQ((sdma::Trap{.context_id = 5}.describe()), "TRAP ctx_id=0x5");
  EXPECT_EQ((sdma::PollRegMem{.memory = false, .address = 4, .retries = 2}.describe()),
            "POLL_REGMEM reg=0x4 mask=0xffffffff until===0x0 interval=10 retries=2");
  EXPECT_EQ((sdma::CondExec{.address = 4, .count = 2}.describe()),
            "COND_EXE addr=0x4 reference=0x1 count=2");
  EXPECT_EQ((sdma::AtomicMem{.address = 4, .data = 2}.describe()),
            "ATOMIC op=add32 addr=0x4 data=0x2");
  EXPECT_EQ((sdma::ConstFill{.destination = 4, .data = 5, .bytes = 8}.describe()),
            "CONST_FILL dst=0x4 data=0x5 bytes=8");
  EXPECT_EQ((sdma::Timestamp{.address = 8}.describe()), "TIMESTAMP_GET_GLOBAL addr=0x8");
  EXPECT_EQ((sdma::SrbmWrite{.reg = 4, .data = 5}.describe()), "SRBM_WRITE reg=0x4 data=0x5");
  EXPECT_EQ((sdma::Work{.units = 3, .unit_ns = 1000, .progress_address = 4}.describe()),
            "WORK units=3 unit_ns=1000 progress=0x4");
}

TEST(Describe, Pm4StreamHasOneLinePerPacketWithItsOffset) {
  Words ib;
  pm4::Mark{.id = 1}.encode(ib);
  ib.push_back(pm4::kFiller);
  pm4::Mark{.id = 2}.encode(ib);
  ib.push_back(pm4::type3(0x99, 1));
  ib.push_back(5);
  ib.insert(ib.end(), {pm4::type3(pm4::Hang::kOpcode, 3), 77, 0, 0});
  EXPECT_EQ(describe_pm4(ib),
            "0x0000: MARK id=0x1\n"
            "0x0002: filler\n"
            "0x0003: MARK id=0x2\n"
            "0x0005: unknown opcode 0x99 [0xc0009900, 0x5]\n"
            "0x0007: malformed HANG [0xc002e100, 0x4d, 0x0, 0x0]\n");
}

TEST(Describe, StreamThatEndsInsideAPacketSaysSo) {
  EXPECT_EQ(describe_pm4(Words{pm4::type3(pm4::Mark::kOpcode, 9), 1}),
            "0x0000: cut short: 2 of 10 dwords [0xc008e300, 0x1]\n");
  EXPECT_EQ(describe_sdma(Words{sdma::Fence::kOpcode, 1}),
            "0x0000: cut short: 2 of 4 dwords [0x5, 0x1]\n");
  EXPECT_EQ(describe_pm4(Words{0x1234}), "0x0000: malformed header [0x1234]\n");
  EXPECT_EQ(describe_pm4({}), "");
}

TEST(Describe, SdmaStream) {
  Words ib;
  sdma::Trap{.context_id = 1}.encode(ib);
  ib.push_back(0);
  ib.insert(ib.end(), {3, 4, 5});
  EXPECT_EQ(describe_sdma(ib),
            "0x0000: TRAP ctx_id=0x1\n"
            "0x0002: NOP dwords=1\n"
            "0x0003: unknown opcode 0x3 [0x3, 0x4, 0x5]\n");
}

TEST(Describe, AnyDwordsAreDescribedToTheEnd) {
  EXPECT_TRUE(rc::check([](const std::vector<uint32_t>& words) {
    RC_ASSERT(describe_pm4(words).empty() == words.empty());
    RC_ASSERT(describe_sdma(words).empty() == words.empty());
  }));
}

TEST(Describe, WhatFollowsAPacketDoesNotMatter) {
  const Words words = {pm4::type3(pm4::Nop::kOpcode, 1), 0, 1, 2, 3};
  EXPECT_EQ(describe_pm4_packet(words), describe_pm4_packet(std::span(words).first(2)));
  EXPECT_EQ(describe_sdma_packet({{0, 1, 2}}), describe_sdma_packet({{0}}));
  EXPECT_EQ(describe_pm4_packet({{pm4::type3(pm4::Nop::kOpcode, 2), 0}}),
            "cut short: 2 of 3 dwords [0xc0011000, 0x0]");
}

TEST(Describe, AnyBodyOfAKnownOpcodeIsDescribed) {
  EXPECT_TRUE(rc::check([] {
    const auto opcode = *rc::gen::arbitrary<uint8_t>();
    const auto body = *rc::gen::container<Words>(1 + *rc::gen::inRange<size_t>(0, 9),
                                                 rc::gen::arbitrary<uint32_t>());
    Words words{
        pm4::type3(opcode, static_cast<uint32_t>(body.size()), *rc::gen::arbitrary<bool>())};
    words.insert(words.end(), body.begin(), body.end());
    RC_ASSERT(!describe_pm4_packet(words).empty());
    words[0] = opcode & 15;
    RC_ASSERT(!describe_sdma_packet(words).empty());
  }));
}

}  // namespace
}  // namespace fakegpu::packets
