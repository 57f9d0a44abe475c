// SPDX-License-Identifier: MIT
#include "rig.h"

namespace fakegpu::hw {
namespace {

TEST(Sdma, NopSkipsItsPayload) {
  Rig rig;
  const Words junk(100, 0xffffffff);
  rig.execute(kSdma, words(sdma::Nop{}, sdma::Nop{.payload = junk},
                           sdma::Fence{.address = kFree, .data = 1}));
  EXPECT_EQ(rig.dword(kFree), 1u);
}

TEST(Sdma, CopiesAcrossChunks) {
  Rig rig;
  const uint32_t bytes = 3u << 20 | 5;
  for (uint32_t i = 0; i < bytes; ++i)
    rig.at<uint8_t>(0x1001 + i) = static_cast<uint8_t>(i * 13 + i / 255);
  rig.execute(kSdma,
              words(sdma::CopyLinear{.source = 0x1001, .destination = kFree + 2, .bytes = bytes}));
  EXPECT_EQ(std::memcmp(&rig.at<uint8_t>(0x1001, bytes), &rig.at<uint8_t>(kFree + 2, bytes), bytes),
            0);
  EXPECT_EQ(rig.at<uint8_t>(kFree + 2 + bytes), 0);
}

TEST(Sdma, CopiesBetweenScatteredPages) {
  Rig rig;
  rig.make_client();
  constexpr uint64_t kA = 0x1000000, kB = 0x2000000;
  constexpr uint64_t kPages = 40;
  for (uint64_t page = 0; page < kPages; ++page) {
    rig.map(Rig::kClient, kA + page * kPageSize, 0x10000 + (page * 7 % kPages) * kPageSize,
            kPageSize);
    rig.map(Rig::kClient, kB + page * kPageSize, 0x100000 + (page * 3 % kPages) * kPageSize,
            kPageSize);
    for (uint64_t i = 0; i < kPageSize; i += 4)
      rig.dword(0x10000 + page * kPageSize + i) = uint32_t(page * 4096 + i);
  }
  const uint32_t bytes = kPages * kPageSize - 300;
  rig.execute_client(
      kSdma, words(sdma::CopyLinear{.source = kA + 100, .destination = kB + 200, .bytes = bytes}));
  for (uint64_t i = 0; i < bytes; ++i) {
    const uint64_t a = 100 + i, b = 200 + i;
    const uint8_t want =
        rig.at<uint8_t>(0x10000 + (a / kPageSize * 7 % kPages) * kPageSize + a % kPageSize);
    const uint8_t got =
        rig.at<uint8_t>(0x100000 + (b / kPageSize * 3 % kPages) * kPageSize + b % kPageSize);
    ASSERT_EQ(got, want) << i;
  }
}

TEST(Sdma, OverlapIsCopiedUpwards) {
  // Downwards is safe for an upward copy, whatever the size.
  for (const uint32_t count : {1000u, 500'000u}) {
    Rig rig;
    uint32_t* const data = &rig.at<uint32_t>(kFree, count + 4);
    for (uint32_t i = 0; i < count + 4; ++i) data[i] = i;
    rig.execute(kSdma, words(sdma::CopyLinear{
                           .source = kFree + 16, .destination = kFree, .bytes = 4 * count}));
    for (uint32_t i = 0; i < count; ++i) ASSERT_EQ(data[i], i + 4);
  }
}

TEST(Sdma, WritesDwords) {
  for (const size_t count : {1, 2, 3, 500}) {
    Rig rig;
    Words data;
    for (uint32_t i = 0; i < count; ++i) data.push_back(i + 9);
    rig.execute(kSdma, words(sdma::WriteLinear{.destination = kFree + 4, .data = data}));
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(rig.dword(kFree + 4 + 4 * i), i + 9);
    EXPECT_EQ(rig.dword(kFree + 4 + 4 * count), 0u);
  }
}

TEST(Sdma, FillsDwords) {
  Rig rig;
  rig.execute(kSdma, words(sdma::ConstFill{
                         .destination = kFree + 4, .data = 0x01020304, .bytes = 1u << 20}));
  EXPECT_EQ(rig.dword(kFree), 0u);
  EXPECT_EQ(rig.dword(kFree + 4), 0x01020304u);
  EXPECT_EQ(rig.dword(kFree + (1u << 20)), 0x01020304u);
  EXPECT_EQ(rig.dword(kFree + (1u << 20) + 4), 0u);
}

TEST(Sdma, FenceAndTrap) {
  Rig rig;
  rig.execute(kSdma,
              words(sdma::Fence{.address = kFree, .data = 5},
                    sdma::Fence{.address = kFree + 4, .data = 6}, sdma::Trap{.context_id = 77}));
  EXPECT_EQ(rig.qword(kFree), 0x6'00000005u);
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].source, static_cast<uint8_t>(IrqSource::kSdmaTrap));
  EXPECT_EQ(entries[0].ring, kSdma);
  EXPECT_EQ(entries[0].context_id, 77u);
  EXPECT_EQ(entries[0].data[0], 77u);
  EXPECT_EQ(rig.handler_calls, 1);
}

TEST(Sdma, FenceIsRedirected) {
  Rig rig;
  rig.set_reg(kSdma, reg::kRingRedirect, 2);
  rig.execute(kSdma, words(sdma::Fence{.address = kFree, .data = 5}));
  EXPECT_EQ(rig.dword(kFree), 0u);
  EXPECT_EQ(rig.dword(kFree + 16), 5u);
}

TEST(Sdma, PollWaitsOrGivesUp) {
  Rig rig;
  rig.submit(kSdma, words(sdma::PollRegMem{.address = kFree, .reference = 3},
                          sdma::Fence{.address = kFree + 4, .data = 1}));
  rig.run_for(base::kNanosPerMilli);
  EXPECT_EQ(rig.status(kSdma), reg::kRingBusy | reg::kRingWaiting);
  rig.dword(kFree) = 3;
  rig.run();
  EXPECT_EQ(rig.dword(kFree + 4), 1u);

  const base::Nanos before = rig.now();
  rig.execute(
      kSdma,
      words(sdma::PollRegMem{.address = kFree, .reference = 4, .interval = 1000, .retries = 5},
            sdma::Fence{.address = kFree + 4, .data = 2}));
  EXPECT_EQ(rig.dword(kFree + 4), 2u);
  EXPECT_GE(rig.now() - before, 5'000);

  rig.function().write32(reg::kScratch, 8);
  rig.execute(kSdma, words(sdma::PollRegMem{
                         .memory = false, .address = reg::kScratch / 4, .reference = 8}));
}

TEST(Sdma, CondExecSkipsUnlessEqual) {
  for (const uint32_t flag : {0u, 1u, 2u}) {
    Rig rig;
    rig.dword(kFree + 64) = flag;
    rig.execute(kSdma, words(sdma::CondExec{.address = kFree + 64, .reference = 1, .count = 4},
                             sdma::Fence{.address = kFree, .data = 1},
                             sdma::Fence{.address = kFree + 4, .data = 2}));
    EXPECT_EQ(rig.dword(kFree), flag == 1 ? 1u : 0u);
    EXPECT_EQ(rig.dword(kFree + 4), 2u);
  }
  Rig rig;
  rig.expect_fault(kSdma, words(sdma::CondExec{.address = kFree, .reference = 1, .count = 4}),
                   reg::kFaultBadPacket);
}

TEST(Sdma, Atomics) {
  Rig rig;
  rig.dword(kFree) = 40;
  rig.execute(kSdma,
              words(sdma::AtomicMem{.op = packets::AtomicOp::kAdd32, .address = kFree, .data = 2}));
  EXPECT_EQ(rig.dword(kFree), 42u);
  rig.submit(kSdma, words(sdma::AtomicMem{.op = packets::AtomicOp::kCompareSwap32,
                                          .loop = true,
                                          .address = kFree,
                                          .data = 1,
                                          .compare = 0}));
  rig.run_for(base::kNanosPerMilli);
  EXPECT_EQ(rig.status(kSdma), reg::kRingBusy | reg::kRingWaiting);
  rig.dword(kFree) = 0;
  rig.run();
  EXPECT_EQ(rig.dword(kFree), 1u);
}

TEST(Sdma, TimestampAndRegisterWrite) {
  Rig rig;
  rig.execute(kSdma, words(sdma::Timestamp{.address = kFree},
                           sdma::SrbmWrite{.reg = reg::kScratch / 4, .data = 5}));
  EXPECT_EQ(rig.qword(kFree), static_cast<uint64_t>(rig.now()));
  EXPECT_EQ(rig.function().read32(reg::kScratch), 5u);
}

TEST(Sdma, IbsDoNotNest) {
  Rig rig;
  rig.put(0x4000, words(sdma::Indirect{.address = 0x8000, .dwords = 1}));
  rig.expect_fault(kSdma, words(sdma::Indirect{.address = 0x4000, .dwords = 6}),
                   reg::kFaultIbNesting);
}

TEST(Sdma, UnknownAndMalformedOnesStopTheQueue) {
  Rig rig;
  rig.expect_fault(kSdma, {0x000000aa}, reg::kFaultBadOpcode);
  rig.expect_fault(kSdma, {sdma::Fence::kOpcode, 1}, reg::kFaultBadPacket);        // short
  rig.expect_fault(kSdma, {sdma::Fence::kOpcode, 1, 0, 0}, reg::kFaultBadPacket);  // misaligned
  rig.expect_fault(kSdma, {sdma::Fence::kOpcode | 1u << 31, 0, 0, 0}, reg::kFaultBadPacket);
  rig.expect_fault(kSdma, {sdma::WriteLinear::kOpcode, 0}, reg::kFaultBadPacket);  // no count
  rig.expect_fault(kSdma, {sdma::ConstFill::kOpcode, 0, 0, 0, 3},
                   reg::kFaultBadPacket);  // not dwords
}

TEST(Sdma, ClientMayNotTouchRegistersAndItsTrapsAreMasked) {
  Rig rig;
  rig.make_client();
  rig.expect_client_fault(kSdma, words(sdma::SrbmWrite{.reg = reg::kScratch / 4, .data = 1}),
                          reg::kFaultBadPacket);
  rig.expect_client_fault(kSdma,
                          words(sdma::PollRegMem{.memory = false, .address = reg::kScratch / 4}),
                          reg::kFaultBadPacket);
  EXPECT_EQ(rig.function().read32(reg::kScratch), 0u);
  rig.execute_client(kSdma, words(sdma::PollRegMem{.function = packets::Compare::kAlways,
                                                   .memory = false,
                                                   .address = reg::kTimestampLo / 4}));
  rig.execute_client(kSdma, words(sdma::Trap{.context_id = 1},
                                  sdma::Fence{.address = Rig::kClientData, .data = 3}));
  EXPECT_EQ(rig.dword(Rig::kClientDataAt), 3u);
  EXPECT_TRUE(rig.take_interrupts().empty());
}

}  // namespace
}  // namespace fakegpu::hw
