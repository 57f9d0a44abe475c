// SPDX-License-Identifier: MIT
// The PM4 packets that steer: branches, IBs, waits, dispatches, fences.
#include "packets/kernels.h"
#include "packets/registers.h"
#include "rig.h"

namespace fakegpu::hw {
namespace {

namespace sh = packets::sh;
using packets::Compare;

Words write(PhysAddr at, uint32_t value) {
  const Words data = {value};
  return words(pm4::WriteData{.address = at, .data = data});
}

TEST(Nop, SkipsItsPayload) {
  Rig rig;
  const Words junk(300, 0xffffffff);
  rig.execute(kGfx,
              words(pm4::Nop{}, pm4::Nop{.payload = junk}) + Words{pm4::kFiller} + write(kFree, 1));
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.rptr(kGfx), 1u + 301 + 1 + 5);
}

TEST(EventWrite, IsPassed) {
  Rig rig;
  rig.execute(kGfx, words(pm4::EventWrite{}) + write(kFree, 1));
  EXPECT_EQ(rig.dword(kFree), 1u);
}

TEST(CondExec, SkipsExactlyItsDwordsIfZero) {
  for (const bool in_ib : {false, true}) {
    for (const uint32_t flag : {0u, 1u}) {
      Rig rig;
      rig.dword(kFree + 0x100) = flag;
      const Words one = write(kFree, 1), two = write(kFree + 4, 2), three = write(kFree + 8, 3);
      const Words packets =
          words(pm4::CondExec{.address = kFree + 0x100,
                              .count = static_cast<uint16_t>(one.size() + two.size())}) +
          one + two + three;
      if (in_ib) {
        rig.put(0x4000, packets);
        rig.execute(kGfx, words(pm4::IndirectBuffer{.address = 0x4000,
                                                    .dwords = uint32_t(packets.size())}));
      } else {
        rig.execute(kGfx, packets);
        EXPECT_EQ(rig.rptr(kGfx), packets.size());
      }
      EXPECT_EQ(rig.dword(kFree), flag ? 1u : 0u);
      EXPECT_EQ(rig.dword(kFree + 4), flag ? 2u : 0u);
      EXPECT_EQ(rig.dword(kFree + 8), 3u);
    }
  }
}

TEST(CondExec, ToTheEndOfAnIbEndsIt) {
  Rig rig;
  const Words ib = words(pm4::CondExec{.address = kFree + 0x100, .count = 5}) + write(kFree, 1);
  rig.put(0x4000, ib);
  rig.execute(kGfx, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = uint32_t(ib.size())}) +
                        write(kFree + 4, 2));
  EXPECT_EQ(rig.dword(kFree), 0u);
  EXPECT_EQ(rig.dword(kFree + 4), 2u);
}

TEST(CondExec, BeyondTheEndIsAFault) {
  Rig rig;
  rig.expect_fault(kGfx, words(pm4::CondExec{.address = kFree, .count = 1}), reg::kFaultBadPacket);
  const Words ib = words(pm4::CondExec{.address = kFree, .count = 6}) + write(kFree, 1);
  rig.put(0x4000, ib);
  rig.expect_fault(kGfx,
                   words(pm4::IndirectBuffer{.address = 0x4000, .dwords = uint32_t(ib.size())}) +
                       Words(8, pm4::kFiller),
                   reg::kFaultBadPacket);
}

TEST(IndirectBuffer, NestsOnceAndReturns) {
  Rig rig;
  const Words inner = write(kFree, 1);
  const Words outer =
      words(pm4::IndirectBuffer{.address = 0x5000, .dwords = uint32_t(inner.size())}) +
      write(kFree + 4, 2);
  rig.put(0x5000, inner);
  rig.put(0x4000, outer);
  rig.execute(kGfx,
              words(pm4::IndirectBuffer{.address = 0x4000, .dwords = uint32_t(outer.size())}) +
                  write(kFree + 8, 3));
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.dword(kFree + 4), 2u);
  EXPECT_EQ(rig.dword(kFree + 8), 3u);
}

TEST(IndirectBuffer, ThirdLevelIsAFault) {
  Rig rig;
  const Words deepest = words(pm4::IndirectBuffer{.address = 0x6000, .dwords = 1});
  rig.put(0x5000, deepest);
  rig.put(0x4000, words(pm4::IndirectBuffer{.address = 0x5000, .dwords = 4}));
  rig.expect_fault(kGfx, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = 4}),
                   reg::kFaultIbNesting);
}

TEST(IndirectBuffer, ChainReplacesTheRest) {
  Rig rig;
  const Words second = write(kFree + 4, 2);
  const Words first = write(kFree, 1) +
                      words(pm4::IndirectBuffer{
                          .address = 0x5000, .dwords = uint32_t(second.size()), .chain = true}) +
                      write(kFree + 8, 3);
  rig.put(0x4000, first);
  rig.put(0x5000, second);
  rig.execute(kGfx,
              words(pm4::IndirectBuffer{.address = 0x4000, .dwords = uint32_t(first.size())}) +
                  write(kFree + 12, 4));
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.dword(kFree + 4), 2u);
  EXPECT_EQ(rig.dword(kFree + 8), 0u);
  EXPECT_EQ(rig.dword(kFree + 12), 4u);
}

TEST(IndirectBuffer, ChainFromTheRingAndOddFlagsAreFaults) {
  Rig rig;
  rig.put(0x4000, words(pm4::Nop{}));
  const pm4::IndirectBuffer good{.address = 0x4000, .dwords = 1};
  for (auto change : std::initializer_list<void (*)(pm4::IndirectBuffer&)>{
           [](pm4::IndirectBuffer& ib) { ib.chain = true; },
           [](pm4::IndirectBuffer& ib) { ib.valid = false; },
           [](pm4::IndirectBuffer& ib) { ib.pre_resume = true; }}) {
    pm4::IndirectBuffer bad = good;
    change(bad);
    rig.expect_fault(kGfx, words(bad), reg::kFaultBadPacket);
  }
}

TEST(IndirectBuffer, EndlessChainLetsTimeAndOtherRingsGoOnAndCanBeReset) {
  Rig rig;
  rig.put(0x4000, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = 4, .chain = true}));
  rig.submit(kGfx, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = 4}));
  rig.submit(kCompute, write(kFree, 1));
  rig.run_for(base::kNanosPerSecond);
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy);
  rig.set_reg(kGfx, reg::kRingReset, 1);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 0u);
  rig.run();
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(IndirectBuffer, RingPointerStaysAtThePacketUntilTheIbEnds) {
  Rig rig;
  rig.put(0x4000, words(pm4::Nop{}, pm4::Hang{.mode = pm4::Hang::Mode::kTimed, .argument = 1000}));
  rig.submit(kGfx, words(pm4::Nop{}, pm4::IndirectBuffer{.address = 0x4000, .dwords = 5}));
  rig.run_for(500);
  EXPECT_EQ(rig.rptr(kGfx), 1u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbLevel), 1u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbBaseLo), 0x4000u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbOffset), 1u);
  rig.run();
  EXPECT_EQ(rig.rptr(kGfx), 5u);
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(WaitRegMem, ComparesEachWay) {
  const std::tuple<Compare, uint32_t, bool> cases[] = {
      {Compare::kAlways, 9, true},        {Compare::kLess, 6, true},
      {Compare::kLess, 5, false},         {Compare::kLessEqual, 5, true},
      {Compare::kLessEqual, 4, false},    {Compare::kEqual, 5, true},
      {Compare::kEqual, 6, false},        {Compare::kNotEqual, 6, true},
      {Compare::kNotEqual, 5, false},     {Compare::kGreaterEqual, 5, true},
      {Compare::kGreaterEqual, 6, false}, {Compare::kGreater, 4, true},
      {Compare::kGreater, 5, false}};
  for (const auto& [function, reference, passes] : cases) {
    Rig rig;
    rig.dword(kFree) = 0xf5;
    rig.submit(kGfx,
               words(pm4::WaitRegMem{
                   .function = function, .address = kFree, .reference = reference, .mask = 0xf}));
    rig.run_for(base::kNanosPerMilli);
    EXPECT_EQ(rig.status(kGfx), passes ? 0u : reg::kRingBusy | reg::kRingWaiting);
  }
}

TEST(WaitRegMem, BlocksUntilTheValueComesAndThenGoesOn) {
  Rig rig;
  rig.submit(kGfx, words(pm4::WaitRegMem{.address = kFree, .reference = 1}) + write(kFree + 4, 2));
  rig.run_for(10 * base::kNanosPerMilli);
  EXPECT_EQ(rig.dword(kFree + 4), 0u);
  // Another ring brings it, as one engine's fence does for another.
  rig.submit(kCompute, write(kFree, 1));
  rig.run_for(200 * base::kNanosPerMicro);
  EXPECT_EQ(rig.dword(kFree + 4), 2u);
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(WaitRegMem, LooksEverMoreSeldom) {
  Rig rig;
  rig.submit(kGfx, words(pm4::WaitRegMem{.address = kFree, .reference = 1, .interval = 0}));
  uint64_t events = 0;
  const base::Nanos end = rig.now() + base::kNanosPerSecond;
  while (rig.now() < end && rig.executor.step()) ++events;
  EXPECT_GT(events, 9'000u);
  EXPECT_LT(events, 12'000u);
}

TEST(WaitRegMem, KeepsToItsInterval) {
  Rig rig;
  rig.submit(kGfx, words(pm4::WaitRegMem{.address = kFree, .reference = 1, .interval = 0xffff}));
  uint64_t events = 0;
  const base::Nanos end = rig.now() + base::kNanosPerSecond;
  while (rig.now() < end && rig.executor.step()) ++events;
  EXPECT_LT(events, 970u);  // 65535 * 16 ns apart
}

TEST(WaitRegMem, OfARegister) {
  Rig rig;
  rig.submit(kGfx,
             words(pm4::WaitRegMem{.memory = false, .address = reg::kScratch / 4, .reference = 4}));
  rig.run_for(base::kNanosPerMilli);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingWaiting);
  rig.function().write32(reg::kScratch, 4);
  rig.run();
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(AtomicLoop, RepeatsUntilTheCompareSucceeds) {
  Rig rig;
  rig.qword(kFree) = 1;
  rig.submit(kGfx, words(pm4::AtomicMem{.op = packets::AtomicOp::kCompareSwap64,
                                        .loop = true,
                                        .address = kFree,
                                        .data = 5,
                                        .compare = 2}));
  rig.run_for(base::kNanosPerMilli);
  EXPECT_EQ(rig.qword(kFree), 1u);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingWaiting);
  rig.qword(kFree) = 2;
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 5u);
  EXPECT_TRUE(rig.idle(kGfx));
}

Words fill_dispatch(PhysAddr arguments, uint32_t groups) {
  const Words program = {static_cast<uint32_t>(packets::kernels::Id::kFill), 0};
  const Words pointer = {static_cast<uint32_t>(arguments), static_cast<uint32_t>(arguments >> 32)};
  return words(pm4::SetShReg{.offset = sh::kComputePgmLo, .values = program},
               pm4::SetShReg{.offset = sh::kComputeUserData0, .values = pointer},
               pm4::DispatchDirect{.x = groups});
}

struct Dispatch : testing::Test {
  Dispatch() { fill() = {.dst = kFree, .count = 5000, .value = 7}; }
  packets::kernels::Fill& fill() { return rig.at<packets::kernels::Fill>(0x8000); }
  Rig rig;
};

TEST_F(Dispatch, RunsTheKernelOverTheGrid) {
  for (const unsigned ring : {kGfx, kCompute}) {
    rig.dword(kFree) = 0;
    rig.execute(ring, fill_dispatch(0x8000, 5));
    EXPECT_EQ(rig.dword(kFree), 7u);
    EXPECT_EQ(rig.dword(kFree + 4 * 4999), 7u);
    EXPECT_EQ(rig.dword(kFree + 4 * 5000), 0u);
  }
}

TEST_F(Dispatch, EmptyGridRunsNothing) {
  rig.execute(kCompute, fill_dispatch(0x8000, 0) + write(kFree + 4, 1));
  EXPECT_EQ(rig.dword(kFree), 0u);
  EXPECT_EQ(rig.dword(kFree + 4), 1u);
}

TEST_F(Dispatch, CanHaveTheKernelsOwnGroupSize) {
  const Words threads = {packets::kernels::kLinearGroup, 1, 1};
  rig.execute(kCompute, words(pm4::SetShReg{.offset = sh::kComputeNumThreadX, .values = threads}) +
                            fill_dispatch(0x8000, 5));
  EXPECT_EQ(rig.dword(kFree), 7u);
}

TEST_F(Dispatch, WrongProgramsAreFaults) {
  const auto set = [](uint16_t offset, uint32_t value) {
    const Words values = {value};
    return words(pm4::SetShReg{.offset = offset, .values = values});
  };
  const Words go = words(pm4::DispatchDirect{});
  rig.expect_fault(kCompute, go, reg::kFaultBadKernel);  // id 0
  rig.expect_fault(kCompute, set(sh::kComputePgmLo, 9999) + go, reg::kFaultBadKernel);
  const Words dispatch = fill_dispatch(0x8000, 5);
  rig.expect_fault(kCompute, set(sh::kComputeNumThreadX, 64) + dispatch, reg::kFaultBadKernel);
  rig.expect_fault(kCompute, set(sh::kComputeNumThreadZ, 2) + dispatch, reg::kFaultBadKernel);
  rig.expect_fault(kCompute, fill_dispatch(0x8004, 5), reg::kFaultBadKernel);  // misaligned
  rig.expect_fault(kCompute, fill_dispatch(kSystemBase - 0x1000, 5), reg::kFaultVmInvalid);
  fill().pad = 1;
  rig.expect_fault(kCompute, dispatch, reg::kFaultBadKernel);
  fill().pad = 0;
  fill().dst = kVram - 4096;
  rig.expect_fault(kCompute, dispatch, reg::kFaultVmInvalid);
}

TEST_F(Dispatch, RegistersThatDoNotExistAreAFault) {
  const Words values = {1};
  rig.expect_fault(kCompute, words(pm4::SetShReg{.offset = 0, .values = values}),
                   reg::kFaultBadPacket);
  const Words too_many = {1, 1, 1};  // PGM_LO, PGM_HI and one more
  rig.expect_fault(kCompute, words(pm4::SetShReg{.offset = sh::kComputePgmLo, .values = too_many}),
                   reg::kFaultBadPacket);
}

TEST_F(Dispatch, ArgumentsAreCopiedOnce) {
  Profile profile = small_profile();
  profile.slice = 2;
  profile.cost.workgroup = 100;
  Rig slow(profile);
  slow.at<packets::kernels::Fill>(0x8000) = fill();
  slow.submit(kCompute, fill_dispatch(0x8000, 5));
  slow.run_for(150);
  EXPECT_EQ(slow.dword(kFree), 7u);
  EXPECT_FALSE(slow.idle(kCompute));
  EXPECT_GT(slow.reg(kCompute, reg::kRingWorkgroup), 0u);
  slow.at<packets::kernels::Fill>(0x8000) = {.dst = kFree, .count = 5000, .value = 8};
  slow.run();
  EXPECT_EQ(slow.dword(kFree + 4 * 4999), 7u);
}

TEST(ReleaseMem, WritesWhatIsSelected) {
  using Data = pm4::ReleaseMem::Data;
  Rig rig;
  const auto release = [&](Data select, uint64_t data) {
    rig.qword(kFree) = ~uint64_t{0};
    pm4::ReleaseMem packet{.data_select = select, .address = kFree, .data = data};
    if (select == Data::kNone) packet.address = 0;
    rig.execute(kGfx, words(packet));
    return rig.qword(kFree);
  };
  EXPECT_EQ(release(Data::kNone, 0), ~uint64_t{0});
  EXPECT_EQ(release(Data::k32, 5), 0xffffffff'00000005u);
  EXPECT_EQ(release(Data::k64, 0x5'00000006), 0x5'00000006u);
  EXPECT_EQ(release(Data::kTimestamp, 0), static_cast<uint64_t>(rig.now()));
  EXPECT_TRUE(rig.take_interrupts().empty());
}

TEST(ReleaseMem, RaisesItsInterrupt) {
  using Interrupt = pm4::ReleaseMem::Interrupt;
  Rig rig;
  rig.execute(
      kCompute,
      words(pm4::ReleaseMem{
          .interrupt = Interrupt::kAfterWrite, .address = kFree, .data = 42, .context_id = 99}));
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].source, static_cast<uint8_t>(IrqSource::kEop));
  EXPECT_EQ(entries[0].ring, kCompute);
  EXPECT_EQ(entries[0].vmid, 0u);
  EXPECT_EQ(entries[0].context_id, 99u);
  EXPECT_EQ(entries[0].data[0], 42u);
  EXPECT_EQ(entries[0].timestamp, static_cast<uint64_t>(rig.now()));
  EXPECT_EQ(rig.handler_calls, 1);

  rig.execute(kCompute, words(pm4::ReleaseMem{.data_select = pm4::ReleaseMem::Data::kNone,
                                              .interrupt = Interrupt::kOnly}));
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST(ReleaseMem, IsRedirectedToTheSlotOfPreemptionOrReset) {
  Rig rig;
  for (const uint32_t redirect : {0u, 1u, 2u, 3u}) {
    rig.set_reg(kGfx, reg::kRingRedirect, redirect);
    rig.execute(kGfx, words(pm4::ReleaseMem{.address = kFree, .data = redirect + 1}));
  }
  for (uint64_t slot = 0; slot < 4; ++slot) EXPECT_EQ(rig.qword(kFree + 8 * slot), slot + 1);
}

TEST(Packets, UnknownAndMalformedOnesStopTheQueue) {
  Rig rig;
  rig.expect_fault(kGfx, {pm4::type3(0x11, 1), 0}, reg::kFaultBadOpcode);
  rig.expect_fault(kGfx, {pm4::type3(0xef, 1), 0}, reg::kFaultBadOpcode);
  rig.expect_fault(kGfx, {0x00000000}, reg::kFaultBadOpcode);  // type 0
  rig.expect_fault(kGfx, {0x40000000}, reg::kFaultBadOpcode);  // type 1
  rig.expect_fault(kGfx, {0x80000001}, reg::kFaultBadPacket);  // type 2 with a bit
  rig.expect_fault(kGfx, {pm4::type3(pm4::Nop::kOpcode, 1) | 4, 0}, reg::kFaultBadPacket);
  // Longer than what the doorbell covered.
  rig.expect_fault(kGfx, {pm4::type3(pm4::Nop::kOpcode, 2), 0}, reg::kFaultBadPacket);
  for (const uint8_t opcode : {0x15, 0x1e, 0x22, 0x37, 0x3c, 0x3f, 0x40, 0x46, 0x49, 0x50, 0x76,
                               0xe0, 0xe1, 0xe2, 0xe3, 0xe4}) {
    // Too long, with every reserved bit set.
    rig.expect_fault(kGfx, Words{pm4::type3(opcode, 20)} + Words(20, 0xffffffff),
                     reg::kFaultBadPacket);
  }
}

TEST(Packets, StrictProfileKnowsNoEduPackets) {
  Profile profile = small_profile();
  profile.edu_packets = false;
  Rig rig(profile);
  rig.expect_fault(kGfx, words(pm4::Mark{}), reg::kFaultBadOpcode);
  rig.expect_fault(kGfx, words(pm4::Hang{}), reg::kFaultBadOpcode);
  rig.expect_fault(kSdma, words(sdma::Work{}), reg::kFaultBadOpcode);
}

}  // namespace
}  // namespace fakegpu::hw
