// SPDX-License-Identifier: MIT
// Queue reset and killing of waves, in every state that a queue can be in.
#include "packets/kernels.h"
#include "packets/registers.h"
#include "rig.h"

namespace fakegpu::hw {
namespace {

using base::kNanosPerMicro;
using base::kNanosPerSecond;

Words fence(PhysAddr at, uint64_t value) {
  return words(pm4::ReleaseMem{
      .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite, .address = at, .data = value});
}

// Resets, and checks that all is as after power on and that the ring works again.
void reset_and_check(Rig& rig, unsigned ring, const Words& afterwards) {
  rig.set_reg(ring, reg::kRingReset, 1);
  EXPECT_EQ(rig.reg(ring, reg::kRingReset), 0u);
  EXPECT_EQ(rig.status(ring), 0u);
  EXPECT_EQ(rig.rptr(ring), 0u);
  EXPECT_EQ(rig.function().read64(reg::ring(ring, reg::kRingWptrLo)), 0u);
  EXPECT_EQ(rig.reg(ring, reg::kRingCntl), 0u);
  EXPECT_EQ(rig.fault(ring), 0u);
  EXPECT_EQ(rig.reg(ring, reg::kRingIbLevel), 0u);
  EXPECT_EQ(rig.reg(ring, reg::kRingWorkgroup), 0u);
  // No timer is left, only tasks that find nothing to do.
  const base::Nanos before = rig.now();
  EXPECT_LE(rig.executor.run(), 2u);
  EXPECT_EQ(rig.now(), before);
  rig.qword(kFree) = 0;
  rig.start_ring(ring);
  rig.execute(ring, afterwards);
  EXPECT_EQ(rig.qword(kFree), 55u);
}

const Words kAfter = fence(kFree, 55);

TEST(Reset, OfAnIdleQueue) {
  Rig rig;
  reset_and_check(rig, kGfx, kAfter);
  rig.execute(kGfx, fence(kFree, 1));
  reset_and_check(rig, kGfx, kAfter);
}

TEST(Reset, OfAQueueThatHasNotStartedYet) {
  Rig rig;
  rig.submit(kGfx, fence(kFree, 1));  // its task is in the executor
  reset_and_check(rig, kGfx, kAfter);
}

TEST(Reset, OfWorkInAnIb) {
  Rig rig;
  rig.make_client();
  rig.submit(kGfx, rig.client_ib(kGfx, words(pm4::Work{.units = 100, .unit_ns = 1'000'000})) +
                       fence(kFree, 1));
  rig.run_for(10 * kNanosPerMicro);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbLevel), 1u);
  reset_and_check(rig, kGfx, kAfter);
  EXPECT_LT(rig.now(), 2 * kNanosPerSecond);
}

TEST(Reset, OfAWait) {
  Rig rig;
  rig.submit(kGfx, words(pm4::WaitRegMem{.address = kFree, .reference = 3}));
  rig.run_for(kNanosPerSecond);
  reset_and_check(rig, kGfx, kAfter);
}

TEST(Reset, OfAnSdmaPoll) {
  Rig rig;
  rig.submit(kSdma, words(sdma::PollRegMem{.address = kFree, .reference = 3}));
  rig.run_for(kNanosPerSecond);
  reset_and_check(rig, kSdma, words(sdma::Fence{.address = kFree, .data = 55}));
}

TEST(Reset, OfAFaultedQueue) {
  Rig rig;
  rig.submit(kGfx, {0});
  rig.run();
  reset_and_check(rig, kGfx, kAfter);
}

TEST(Reset, OfAHalfDoneCopy) {
  Profile profile = small_profile();
  profile.slice = 1;
  Rig rig(profile);
  rig.submit(kSdma, words(sdma::ConstFill{.destination = 0x100000, .data = 1, .bytes = 4u << 20}));
  for (int i = 0; i < 3; ++i) rig.executor.step();
  EXPECT_EQ(rig.dword(0x100000), 1u);
  EXPECT_EQ(rig.dword(0x100000 + (4u << 20) - 4), 0u);
  reset_and_check(rig, kSdma, words(sdma::Fence{.address = kFree, .data = 55}));
  EXPECT_EQ(rig.dword(0x100000 + (4u << 20) - 4), 0u);
}

TEST(Reset, ClearsTheShRegisters) {
  Rig rig;
  const Words program = {static_cast<uint32_t>(packets::kernels::Id::kFill)};
  rig.execute(kCompute,
              words(pm4::SetShReg{.offset = packets::sh::kComputePgmLo, .values = program}));
  reset_and_check(rig, kCompute, kAfter);
  rig.expect_fault(kCompute, words(pm4::DispatchDirect{}), reg::kFaultBadKernel);
}

TEST(Reset, ClearsPendingFaultPackets) {
  Rig rig;
  rig.execute(kGfx, words(pm4::Fault{.kind = pm4::Fault::Kind::kLoseInterrupt},
                          pm4::Fault{.kind = pm4::Fault::Kind::kDelayFence, .argument = 1000}));
  reset_and_check(rig, kGfx, kAfter);
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
  EXPECT_EQ(rig.now(), kNanosPerSecond);
}

TEST(Reset, OfOneRingLeavesTheOthersAlone) {
  Rig rig;
  rig.submit(kCompute, words(pm4::Work{.units = 1, .unit_ns = 1000}) + fence(kFree + 8, 9));
  rig.submit(kGfx, words(pm4::Hang{}));
  rig.run_for(500);
  rig.set_reg(kGfx, reg::kRingReset, 1);
  rig.run();
  EXPECT_EQ(rig.qword(kFree + 8), 9u);
}

TEST(Reset, FromTheInterruptHandlerIsDoneAtOnce) {
  Rig rig;
  uint32_t pending = 99;
  rig.function().set_interrupt_handler([&] {
    rig.set_reg(kGfx, reg::kRingReset, 1);
    pending = rig.reg(kGfx, reg::kRingReset);
  });
  rig.submit(kGfx, {0});
  rig.run();
  EXPECT_EQ(pending, 0u);
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(Reset, ByTheRingItselfStopsItThere) {
  Rig rig;
  const Words one = {1};
  rig.submit(kGfx, words(pm4::WriteData{.destination = pm4::Destination::kRegister,
                                        .address = reg::ring(kGfx, reg::kRingReset) / 4,
                                        .data = one}) +
                       fence(kFree, 1));
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 0u);
  EXPECT_EQ(rig.rptr(kGfx), 0u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 0u);
}

TEST(Reset, WritingZeroDoesNothing) {
  Rig rig;
  rig.submit(kGfx, words(pm4::Hang{}));
  rig.run();
  rig.set_reg(kGfx, reg::kRingReset, 0);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
}

TEST(KillWaves, EndsADispatchAndTheJobGoesOn) {
  Profile profile = small_profile();
  profile.slice = 4;
  profile.cost.workgroup = 1000;
  Rig rig(profile);
  rig.at<packets::kernels::Fill>(0x8000) = {.dst = 0x100000, .count = 1u << 20, .value = 7};
  const Words program = {static_cast<uint32_t>(packets::kernels::Id::kFill), 0};
  const Words pointer = {0x8000, 0};
  rig.submit(kCompute,
             words(pm4::SetShReg{.offset = packets::sh::kComputePgmLo, .values = program},
                   pm4::SetShReg{.offset = packets::sh::kComputeUserData0, .values = pointer},
                   pm4::DispatchDirect{.x = 1024}) +
                 fence(kFree, 1));
  rig.run_for(100'000);
  const uint32_t done = rig.reg(kCompute, reg::kRingWorkgroup);
  EXPECT_GT(done, 80u);
  EXPECT_LT(done, 130u);
  rig.set_reg(kCompute, reg::kRingKillWaves, 0);
  rig.run_for(kNanosPerMicro);
  EXPECT_EQ(rig.qword(kFree), 1u);
  EXPECT_EQ(rig.dword(0x100000 + 4 * 1024 * (done - 1)), 7u);
  EXPECT_EQ(rig.dword(0x100000 + 4 * 1024 * done), 0u);
}

TEST(KillWaves, DoesNotEndAWaitOrAFault) {
  Rig rig;
  rig.submit(kGfx, words(pm4::WaitRegMem{.address = kFree, .reference = 3}));
  rig.run_for(kNanosPerMicro);
  rig.set_reg(kGfx, reg::kRingKillWaves, 0);
  rig.run_for(kNanosPerMicro);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingWaiting);

  rig.submit(kCompute, {0});
  rig.run_for(kNanosPerMicro);
  rig.set_reg(kCompute, reg::kRingKillWaves, 0);
  rig.run_for(kNanosPerMicro);
  EXPECT_NE(rig.status(kCompute) & reg::kRingFaulted, 0u);
}

TEST(KillWaves, BeforeAPositionSparesWhatLiesBehindIt) {
  Rig rig;
  const Words first = words(pm4::Hang{.mode = pm4::Hang::Mode::kWave});
  const uint64_t end = first.size();
  rig.submit(kGfx, first + words(pm4::Hang{.mode = pm4::Hang::Mode::kWave}) + fence(kFree, 1));
  rig.run();
  rig.set_reg(kGfx, reg::kRingKillWaves, reg::kill_waves(1, end));
  rig.run();
  EXPECT_EQ(rig.reg(kGfx, reg::kRingRptrLo), 0u) << "another VMID's";
  rig.set_reg(kGfx, reg::kRingKillWaves, reg::kill_waves(0, end));
  rig.run();
  EXPECT_EQ(rig.reg(kGfx, reg::kRingRptrLo), end);
  // Asked again by somebody who did not see that.
  rig.set_reg(kGfx, reg::kRingKillWaves, reg::kill_waves(0, end));
  rig.run();
  EXPECT_EQ(rig.reg(kGfx, reg::kRingRptrLo), end);
  rig.set_reg(kGfx, reg::kRingKillWaves, reg::kill_waves(0, 2 * end));
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 1u);
}

TEST(KillWaves, OfNothingIsForgotten) {
  Rig rig;
  rig.set_reg(kGfx, reg::kRingKillWaves, 0);
  rig.run();
  rig.submit(kGfx, words(pm4::Hang{}));
  rig.run();
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
}

}  // namespace
}  // namespace fakegpu::hw
