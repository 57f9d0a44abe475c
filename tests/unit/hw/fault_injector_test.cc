// SPDX-License-Identifier: MIT
// The chip's faults: that each has a name, and those of packets and resets at their n-th trigger,
// with what ends them. Interrupts: interrupt_test.cc; what a reset loses: chip_reset_test.cc.
#include <algorithm>
#include <set>

#include "rig.h"

namespace fakegpu::hw {
namespace {

using base::kNanosPerMilli;

TEST(FaultKinds, EachHasANameOfItsOwnAndIsExplained) {
  std::set<std::string_view> names;
  for (const base::FaultDescription& fault : fault_descriptions()) {
    EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
    EXPECT_FALSE(fault.what.empty() || fault.trigger.empty() || fault.ends.empty()) << fault.name;
    // As the uAPI has room for them.
    EXPECT_TRUE(fault.name.size() < 32 && fault.what.size() < 96) << fault.name;
    EXPECT_TRUE(fault.trigger.size() < 64 && fault.ends.size() < 64) << fault.name;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(FaultKind::kCount));
}

TEST(FaultKinds, EachIsFoundByItsName) {
  base::VirtualExecutor clock(1);
  for (size_t kind = 0; kind < static_cast<size_t>(FaultKind::kCount); ++kind) {
    FaultInjector faults(clock);
    const base::FaultDescription& told = fault_descriptions()[kind];
    const bool timed = (told.takes & base::kFaultTakesDuration) != 0;
    ASSERT_TRUE(
        faults.inject({.name = std::string(told.name), .nth = 1, .duration = timed ? 5 : 0}));
    base::Nanos duration = 0;
    EXPECT_TRUE(faults.fires(static_cast<FaultKind>(kind), 0, &duration));
    EXPECT_EQ(duration, timed ? 5 : 0);
    EXPECT_EQ(faults.fired(static_cast<FaultKind>(kind)), 1u);
  }
}

class Faults : public testing::Test {
 protected:
  void inject(const FaultSpec& spec) {
    const auto armed = rig.gpu->faults().inject(spec);
    ASSERT_TRUE(armed) << armed.error().message();
  }
  uint64_t fired(FaultKind kind) { return rig.gpu->faults().fired(kind); }
  // One packet that stores where it ran.
  void store(unsigned ring, uint64_t value) {
    rig.submit(ring, words(pm4::ReleaseMem{.interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite,
                                           .address = kFree,
                                           .data = value}));
    rig.run_for(kNanosPerMilli);
  }
  uint64_t stored() { return rig.qword(kFree); }
  bool is(unsigned ring, uint32_t status) { return (rig.status(ring) & status) != 0; }
  void kill(unsigned ring) {
    rig.set_reg(ring, reg::kRingKillWaves, 0);
    rig.run_for(kNanosPerMilli);
  }
  void reset(unsigned ring) { rig.set_reg(ring, reg::kRingReset, 1); }
  bool resetting(unsigned ring) { return rig.reg(ring, reg::kRingReset) != 0; }

  Rig rig;
};

TEST_F(Faults, AnEndlessWaitIsThatOfTheNthPacketAndEndsWithAReset) {
  inject({.name = "endless-wait", .ring = kGfx, .nth = 2});
  store(kCompute, 1);
  store(kGfx, 2);
  store(kGfx, 3);
  EXPECT_EQ(stored(), 2u);
  EXPECT_TRUE(is(kGfx, reg::kRingWaiting));
  kill(kGfx);
  EXPECT_TRUE(is(kGfx, reg::kRingWaiting)) << "no wave of it can be killed";
  reset(kGfx);
  EXPECT_EQ(rig.status(kGfx), 0u);
  rig.start_ring(kGfx);
  store(kGfx, 4);
  EXPECT_EQ(stored(), 4u);
}

TEST_F(Faults, AHangByChanceIsTheSeeds) {
  const auto hung = [](uint64_t seed) {
    std::vector<bool> all;
    Rig rig;
    EXPECT_TRUE(rig.gpu->faults().inject(
        {.name = "hang", .probability = base::FaultInjector::kAlways / 4, .seed = seed}));
    for (int i = 0; i < 64; ++i) {
      rig.submit(kGfx, words(pm4::Nop{}));
      rig.run_for(kNanosPerMilli);
      all.push_back((rig.status(kGfx) & reg::kRingHung) != 0);
      if (all.back()) rig.set_reg(kGfx, reg::kRingKillWaves, 0);
      rig.run_for(kNanosPerMilli);
    }
    EXPECT_EQ(rig.gpu->faults().fired(FaultKind::kHang),
              static_cast<uint64_t>(std::ranges::count(all, true)));
    return all;
  };
  const std::vector<bool> one = hung(1);
  EXPECT_EQ(std::set<bool>(one.begin(), one.end()).size(), 2u);
  EXPECT_EQ(one, hung(1));
  EXPECT_NE(one, hung(2));
}

TEST_F(Faults, ARingThatFailsItsTestExecutesNothingUntilTheNextReset) {
  inject({.name = "failed-ring-test", .ring = kGfx, .nth = 2});
  reset(kCompute);
  reset(kGfx);
  rig.start_ring(kGfx);
  store(kGfx, 1);
  EXPECT_EQ(stored(), 1u);
  reset(kGfx);
  rig.start_ring(kGfx);
  store(kGfx, 2);
  EXPECT_EQ(stored(), 1u);
  EXPECT_FALSE(is(kGfx, reg::kRingFaulted));
  reset(kGfx);
  rig.start_ring(kGfx);
  store(kGfx, 3);
  EXPECT_EQ(stored(), 3u);
  EXPECT_EQ(fired(FaultKind::kFailedRingTest), 1u);
}

TEST_F(Faults, ASlowResetOfARingIsDoneSoMuchLater) {
  inject({.name = "slow-reset", .nth = 1, .duration = 5 * kNanosPerMilli});
  reset(kGfx);
  rig.run_for(5 * kNanosPerMilli - 1);
  EXPECT_TRUE(resetting(kGfx));
  rig.run_for(1);
  EXPECT_FALSE(resetting(kGfx));
  rig.start_ring(kGfx);
  store(kGfx, 1);
  EXPECT_EQ(stored(), 1u);
}

TEST_F(Faults, ASlowResetThatAHigherOneOvertakesComesToNothing) {
  inject({.name = "slow-reset", .nth = 1, .duration = 5 * kNanosPerMilli});
  reset(kGfx);
  rig.function().write32(reg::kSoftReset, reg::kSoftResetGfx);
  EXPECT_FALSE(resetting(kGfx));
  rig.start_ring(kGfx);
  rig.run_for(10 * kNanosPerMilli);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingCntl), 1u) << "it was reset again";
  store(kGfx, 1);
  EXPECT_EQ(stored(), 1u);
}

TEST_F(Faults, ASlowResetOfTheChipIsDoneSoMuchLater) {
  const auto span = [this] {
    const base::Nanos begin = rig.now();
    rig.function().write32(reg::kGpuReset, reg::kGpuResetMode1);
    rig.run();
    EXPECT_EQ(rig.function().read32(reg::kMagic), reg::kMagicValue);
    return rig.now() - begin;
  };
  const base::Nanos usual = span();
  inject({.name = "slow-reset", .nth = 1, .duration = 70 * kNanosPerMilli});
  EXPECT_EQ(span(), usual + 70 * kNanosPerMilli);
  EXPECT_EQ(span(), usual);
}

TEST_F(Faults, AKillThatIsMuteStaysSoUntilAReset) {
  inject({.name = "mute-kill", .ring = kGfx, .nth = 1});
  rig.submit(kGfx, words(pm4::Hang{}));
  rig.run_for(kNanosPerMilli);
  for (int i = 0; i < 3; ++i) {
    kill(kGfx);
    EXPECT_TRUE(is(kGfx, reg::kRingHung));
  }
  EXPECT_FALSE(rig.gpu->faults().armed());
  reset(kGfx);
  rig.start_ring(kGfx);
  rig.submit(kGfx, words(pm4::Hang{}));
  rig.run_for(kNanosPerMilli);
  EXPECT_TRUE(is(kGfx, reg::kRingHung));
  kill(kGfx);
  EXPECT_EQ(rig.status(kGfx), 0u);
}

}  // namespace
}  // namespace fakegpu::hw
