// SPDX-License-Identifier: MIT
// The packets for teaching and tests, and how the engine keeps its time.
#include "rig.h"

namespace fakegpu::hw {
namespace {

using base::kNanosPerMicro;
using base::kNanosPerMilli;
using base::kNanosPerSecond;
using pm4::Hang;
using FaultPacket = pm4::Fault;

Words fence(PhysAddr at, uint64_t value) {
  return words(pm4::ReleaseMem{
      .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite, .address = at, .data = value});
}

TEST(Work, TakesUnitsTimesTheirLength) {
  Rig rig;
  const base::Nanos start = rig.now();
  rig.submit(kGfx, words(pm4::Work{.units = 10, .unit_ns = 1000}) + fence(kFree, 1));
  rig.run_for(9'999);
  EXPECT_EQ(rig.qword(kFree), 0u);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy);
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 1u);
  EXPECT_EQ(rig.now() - start, 10'000);
}

TEST(Work, OnSdmaTakesItsTimeAndCountsItsUnits) {
  Rig rig;
  rig.make_client();
  const base::Nanos start = rig.now();
  rig.submit(kSdma, rig.client_ib(kSdma, words(sdma::Work{.units = 10,
                                                          .unit_ns = 20'000,
                                                          .progress_address = Rig::kClientData})) +
                        words(sdma::Fence{.address = kFree, .data = 1}));
  rig.run_for(59'999);
  EXPECT_EQ(rig.dword(Rig::kClientDataAt), 2u);
  EXPECT_EQ(rig.reg(kSdma, reg::kRingWorkgroup), 2u);
  EXPECT_EQ(rig.dword(kFree), 0u);
  rig.run();
  EXPECT_EQ(rig.dword(Rig::kClientDataAt), 10u);
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.now() - start, 200'000);
  rig.expect_fault(kSdma, words(sdma::Work{.units = 2, .unit_ns = 100, .progress_address = kVram}),
                   reg::kFaultVmInvalid);
}

// An SDMA engine has no waves, so soft recovery has nothing to kill there.
TEST(Work, OnSdmaEndsWithAResetOnly) {
  Rig rig;
  rig.submit(kSdma, words(sdma::Work{.units = 0xffffffff, .unit_ns = 0xffffffff}));
  rig.run_for(kNanosPerSecond);
  rig.set_reg(kSdma, reg::kRingKillWaves, 0);
  rig.run_for(kNanosPerSecond);
  EXPECT_EQ(rig.status(kSdma), reg::kRingBusy);
  rig.set_reg(kSdma, reg::kRingReset, 1);
  rig.run();
  rig.start_ring(kSdma);
  rig.execute(kSdma, words(sdma::Fence{.address = kFree, .data = 1}));
  EXPECT_EQ(rig.dword(kFree), 1u);
}

TEST(Work, OfNothingTakesNoTime) {
  Rig rig;
  const base::Nanos start = rig.now();
  rig.execute(kGfx,
              words(pm4::Work{.units = 0, .unit_ns = 1000}, pm4::Work{.units = 5, .unit_ns = 0}));
  EXPECT_EQ(rig.now(), start);
}

TEST(Work, StoresItsProgress) {
  Rig rig;
  rig.submit(kGfx, words(pm4::Work{.units = 10, .unit_ns = 20'000, .progress_address = kFree}));
  rig.run_for(50'000);
  EXPECT_EQ(rig.dword(kFree), 2u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingWorkgroup), 2u);
  rig.run_for(20'000);
  EXPECT_EQ(rig.dword(kFree), 3u);
  rig.run();
  EXPECT_EQ(rig.dword(kFree), 10u);
}

TEST(Work, ManyShortUnitsCostFewEvents) {
  Rig rig;
  rig.submit(kGfx,
             words(pm4::Work{.units = 1'000'000'000, .unit_ns = 1, .progress_address = kFree}));
  EXPECT_LT(rig.executor.run(), 110'000u);
  EXPECT_EQ(rig.dword(kFree), 1'000'000'000u);
}

TEST(Work, EndlessLengthSaturatesAndIsKillable) {
  Rig rig;
  const Words forever = words(pm4::Work{.units = 0xffffffff, .unit_ns = 0xffffffff});
  rig.submit(kGfx, forever + forever + fence(kFree, 1));
  rig.run_for(kNanosPerSecond);
  EXPECT_EQ(rig.executor.next_event(), -1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(rig.qword(kFree), 0u);
    rig.set_reg(kGfx, reg::kRingKillWaves, 0);
    rig.run();
  }
  EXPECT_EQ(rig.qword(kFree), 1u);
}

TEST(Work, ProgressToNowhereIsAVmFault) {
  Rig rig;
  rig.expect_fault(kGfx, words(pm4::Work{.units = 2, .unit_ns = 100, .progress_address = kVram}),
                   reg::kFaultVmInvalid);
}

// An executor whose timers are late, as a loaded machine's are.
class LateExecutor final : public base::Clock, public base::Executor {
 public:
  base::Nanos now() const override { return inner.now(); }
  void post(base::Task task) override { inner.post(std::move(task)); }
  base::TimerId post_at(base::Nanos when, base::Task task) override {
    return inner.post_at(when + late, std::move(task));
  }
  bool cancel(base::TimerId timer) override { return inner.cancel(timer); }
  bool run_one() override { return inner.run_one(); }
  void wake_sleepers(const uint32_t* word) override { inner.wake_sleepers(word); }

  base::VirtualExecutor inner{1, 1'000'000'000};
  base::Nanos late = 0;
};

base::Nanos time_of_hundred_works(base::Nanos late) {
  LateExecutor executor;
  executor.late = late;
  ChipRig rig(small_profile(), executor, executor);
  const base::Nanos start = executor.now();
  Words packets;
  for (int i = 0; i < 100; ++i)
    packets = packets + words(pm4::Work{.units = 10, .unit_ns = 10'000});
  rig.submit(kGfx, packets);
  executor.inner.run();
  EXPECT_TRUE(rig.idle(kGfx));
  return executor.now() - start;
}

TEST(Time, LateTimersDoNotSlowTheRingDown) {
  const base::Nanos ideal = 100 * 100'000;
  EXPECT_EQ(time_of_hundred_works(0), ideal);
  EXPECT_LE(time_of_hundred_works(90'000), ideal + 100'000);
  EXPECT_LE(time_of_hundred_works(900'000), ideal + 1'000'000);
  // Beyond a millisecond what is late stays late.
  EXPECT_GE(time_of_hundred_works(50 * kNanosPerMilli), 100 * kNanosPerMilli);
}

TEST(Time, IdlenessIsNoCredit) {
  Rig rig;
  rig.execute(kGfx, words(pm4::Work{.units = 1, .unit_ns = 1000}));
  rig.run_for(700'000);
  const base::Nanos start = rig.now();
  rig.execute(kGfx, words(pm4::Work{.units = 1, .unit_ns = 1000}));
  EXPECT_EQ(rig.now() - start, 1000);
}

TEST(Time, ModelledCostsAddUp) {
  Profile profile = small_profile();
  profile.cost = {50, 2'000, 100};
  Rig rig(profile);
  const base::Nanos start = rig.now();
  rig.execute(kGfx, words(pm4::Nop{}, pm4::Nop{}) + fence(kFree, 1));
  EXPECT_EQ(rig.now() - start, 150);
  rig.execute(kSdma, words(sdma::CopyLinear{.source = 0, .destination = kFree, .bytes = 1u << 20},
                           sdma::Fence{.address = kFree, .data = 1}));
  EXPECT_EQ(rig.now() - start, 150 + 100 + 1024 * 100);
}

TEST(Time, FewEventsForAFrameUnderModelledCosts) {
  Profile profile = small_profile();
  profile.cost = CostModel::modelled();
  Rig rig(profile);
  rig.put(0x4000, words(pm4::Nop{}));
  rig.dword(kFree + 64) = 1;
  rig.submit(kGfx, words(pm4::CondExec{.address = kFree + 64, .count = 4},
                         pm4::IndirectBuffer{.address = 0x4000, .dwords = 1}) +
                       fence(kFree, 1));
  EXPECT_LE(rig.executor.run(), 2u);
}

TEST(Hang, ModesEndByWhatTheySay) {
  struct Case {
    Hang::Mode mode;
    bool killable;
    bool resettable;
  };
  for (const Case& c :
       {Case{Hang::Mode::kWave, true, true}, Case{Hang::Mode::kProcessor, false, true},
        Case{Hang::Mode::kIgnorePreempt, true, true},
        Case{Hang::Mode::kIgnoreQueueReset, false, false},
        Case{Hang::Mode::kSurviveSoftReset, false, false}}) {
    for (const bool kill : {true, false}) {
      SCOPED_TRACE(testing::Message() << "mode " << static_cast<int>(c.mode) << " kill " << kill);
      Rig rig;
      rig.submit(kGfx, words(Hang{.mode = c.mode}) + fence(kFree, 1));
      rig.run_for(100 * kNanosPerSecond);
      EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
      EXPECT_EQ(rig.executor.next_event(), -1);
      if (kill) {
        rig.set_reg(kGfx, reg::kRingKillWaves, 0);
        rig.run();
        EXPECT_EQ(rig.qword(kFree), c.killable ? 1u : 0u);
        EXPECT_EQ(rig.idle(kGfx), c.killable);
      } else {
        rig.set_reg(kGfx, reg::kRingReset, 1);
        rig.run();
        EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), c.resettable ? 0u : 1u);
        EXPECT_EQ(rig.status(kGfx), c.resettable ? 0u : reg::kRingBusy | reg::kRingHung);
        EXPECT_EQ(rig.qword(kFree), 0u);
      }
    }
  }
}

TEST(Hang, TimedGoesOnByItself) {
  Rig rig;
  const base::Nanos start = rig.now();
  rig.submit(kGfx, words(Hang{.mode = Hang::Mode::kTimed, .argument = 12345}) + fence(kFree, 1));
  rig.run_for(12344);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
  rig.run();
  EXPECT_EQ(rig.now() - start, 12345);
  EXPECT_EQ(rig.qword(kFree), 1u);
  rig.submit(kGfx, words(Hang{.mode = Hang::Mode::kTimed, .argument = ~uint64_t{0}}));
  rig.run();
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
}

TEST(Hang, OnlyWavesOfTheNamedVmidDie) {
  Rig rig;
  rig.make_client();
  rig.submit(kGfx, rig.client_ib(kGfx, words(Hang{})) + fence(kFree, 1));
  rig.run();
  for (const uint32_t other : {0u, 1u, 15u, 16u, 0xffffffffu})
    rig.set_reg(kGfx, reg::kRingKillWaves, other);
  rig.run();
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
  rig.set_reg(kGfx, reg::kRingKillWaves, Rig::kClient);
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 1u);
}

TEST(Fault, PageFaultAndBadOpcodeAreReported) {
  Rig rig;
  rig.expect_fault(kGfx,
                   words(FaultPacket{.kind = FaultPacket::Kind::kPageFault, .argument = 0xabc000}),
                   reg::kFaultVmInvalid);
  EXPECT_EQ(rig.function().read64(reg::kVmFaultAddrLo), 0xabc000u);
  rig.submit(kGfx, words(FaultPacket{.kind = FaultPacket::Kind::kBadOpcode, .argument = 0x99}));
  rig.run();
  EXPECT_EQ(rig.fault(kGfx), reg::kFaultBadOpcode);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingFaultPacket) >> 8 & 0xff, 0x99u);
}

TEST(Fault, WhatTheChipHasNoRegistersForIsRefused) {
  Rig rig;
  for (const auto kind : {FaultPacket::Kind::kCorrectedError, FaultPacket::Kind::kUncorrectedError,
                          FaultPacket::Kind::kPoison, FaultPacket::Kind::kCorruptSaveArea})
    rig.expect_fault(kGfx, words(FaultPacket{.kind = kind}), reg::kFaultBadPacket);
}

TEST(Fault, LosesOneInterrupt) {
  Rig rig;
  rig.execute(kGfx,
              words(FaultPacket{.kind = FaultPacket::Kind::kLoseInterrupt}) + fence(kFree, 1));
  EXPECT_EQ(rig.qword(kFree), 1u);
  EXPECT_TRUE(rig.take_interrupts().empty());
  EXPECT_EQ(rig.handler_calls, 0);
  rig.execute(kGfx, fence(kFree, 2));
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST(Fault, DelaysAndRepeatsTheNextFence) {
  Rig rig;
  const base::Nanos start = rig.now();
  rig.execute(kGfx, words(FaultPacket{.kind = FaultPacket::Kind::kDelayFence, .argument = 5000},
                          FaultPacket{.kind = FaultPacket::Kind::kRepeatFence}) +
                        fence(kFree, 1));
  EXPECT_EQ(rig.now() - start, 5000);
  EXPECT_EQ(rig.take_interrupts().size(), 2u);
  rig.execute(kGfx, fence(kFree, 2));
  EXPECT_EQ(rig.now() - start, 5000);
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST(Fault, EndlessDelayEndsWithAReset) {
  Rig rig;
  rig.submit(kGfx,
             words(FaultPacket{.kind = FaultPacket::Kind::kDelayFence, .argument = ~uint64_t{0}}) +
                 fence(kFree, 1));
  rig.run();
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy);
  rig.set_reg(kGfx, reg::kRingReset, 1);
  rig.start_ring(kGfx);
  rig.execute(kGfx, fence(kFree, 2));
  EXPECT_EQ(rig.qword(kFree), 2u);
}

TEST(Trace, ShowsMarksIbsFencesAndFaults) {
  Rig rig;
  rig.tracer.set_sink(&rig.trace);
  rig.put(0x4000, words(pm4::Mark{.id = 31}));
  rig.submit(kGfx, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = 2}) + fence(kFree, 77));
  rig.run();
  rig.submit(kGfx, {0});
  rig.run();
  EXPECT_EQ(rig.trace.text(),
            "1.000000000: gpu_ring_doorbell: ring=0 wptr=12\n"
            "1.000000000: gpu_ib_start: ring=0 vmid=0 address=16384 dwords=2\n"
            "1.000000000: gpu_mark: ring=0 vmid=0 id=31\n"
            "1.000000000: gpu_fence_write: ring=0 vmid=0 value=77\n"
            "1.000000000: gpu_ring_doorbell: ring=0 wptr=13\n"
            "1.000000000: gpu_fault: ring=0 vmid=0 reason=1 packet=0 address=0\n");
}

}  // namespace
}  // namespace fakegpu::hw
