// SPDX-License-Identifier: MIT
// Engine reset and whole-GPU reset: what they end, what they leave, and what the chip says
// meanwhile.
#include "rig.h"

namespace fakegpu::hw {
namespace {

using Mode = pm4::Hang::Mode;
using base::kNanosPerMilli;

constexpr unsigned kSecondCompute = 2;

Words hang(Mode mode) {
  return words(pm4::Hang{.mode = mode});
}
Words mark(uint64_t value) {
  return words(pm4::ReleaseMem{
      .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite, .address = kFree, .data = value});
}

class ChipResetTest : public testing::Test {
 protected:
  uint32_t read(uint32_t offset) { return rig.function().read32(offset); }
  void write(uint32_t offset, uint32_t value) { rig.function().write32(offset, value); }
  void inject(const char* name, int ring = -1) {
    ASSERT_TRUE(rig.gpu->faults().inject({.name = name, .ring = ring, .nth = 1}));
  }
  // The ring works, once it is programmed.
  void expect_working(unsigned ring) {
    rig.start_ring(ring);
    rig.qword(kFree) = 0;
    rig.execute(ring, mark(77));
    EXPECT_EQ(rig.qword(kFree), 77u);
  }
  Rig rig;
};

TEST_F(ChipResetTest, EngineResetEndsWhatIgnoresAQueueReset) {
  rig.submit(kGfx, hang(Mode::kIgnoreQueueReset));
  rig.run_for(kNanosPerMilli);
  rig.set_reg(kGfx, reg::kRingReset, 1);
  rig.run_for(kNanosPerMilli);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 1u);
  write(reg::kSoftReset, reg::kSoftResetGfx);
  rig.run_for(kNanosPerMilli);
  EXPECT_EQ(read(reg::kSoftReset), 0u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 0u);
  EXPECT_EQ(rig.status(kGfx), 0u);
  expect_working(kGfx);
}

TEST_F(ChipResetTest, EngineResetIsOfOneBlock) {
  rig.submit(kGfx, hang(Mode::kWave));
  rig.submit(kCompute, hang(Mode::kWave));
  rig.submit(kSecondCompute, hang(Mode::kWave));
  rig.submit(kSdma, words(sdma::PollRegMem{.address = kFree, .reference = 3}));
  rig.run_for(kNanosPerMilli);
  write(reg::kSoftReset, reg::kSoftResetCompute);
  EXPECT_EQ(rig.status(kCompute), 0u);
  EXPECT_EQ(rig.status(kSecondCompute), 0u);
  EXPECT_NE(rig.status(kGfx), 0u);
  EXPECT_NE(rig.status(kSdma), 0u);
  write(reg::kSoftReset, reg::kSoftResetSdma0);
  EXPECT_EQ(rig.status(kSdma), 0u);
  EXPECT_NE(rig.status(kGfx), 0u);
}

TEST_F(ChipResetTest, EngineResetDoesNotEndWhatSurvivesIt) {
  rig.submit(kGfx, hang(Mode::kSurviveSoftReset));
  rig.run_for(kNanosPerMilli);
  write(reg::kSoftReset, reg::kSoftResetGfx);
  rig.run_for(kNanosPerMilli);
  EXPECT_EQ(read(reg::kSoftReset), reg::kSoftResetGfx);
  EXPECT_NE(rig.status(kGfx) & reg::kRingHung, 0u);
}

TEST_F(ChipResetTest, WholeResetEndsEverythingAndForgetsTheRegisters) {
  rig.submit(kGfx, hang(Mode::kSurviveSoftReset));
  rig.submit(kCompute, hang(Mode::kWave));
  rig.run_for(kNanosPerMilli);
  write(reg::kScratch, 5);
  rig.qword(4096) = 0x1234;  // VRAM
  write(reg::kGpuReset, reg::kGpuResetMode1);
  EXPECT_EQ(read(reg::kMagic), reg::kNoAnswer);
  EXPECT_EQ(rig.status(kGfx), reg::kNoAnswer);
  // Nothing is heard meanwhile.
  write(reg::kScratch, 6);
  rig.function().ring_doorbell(kGfx, 100);
  rig.run();
  EXPECT_EQ(read(reg::kMagic), reg::kMagicValue);
  EXPECT_EQ(read(reg::kScratch), 0u);
  EXPECT_EQ(read(reg::kIhCntl), 0u);
  EXPECT_EQ(read(reg::kIhSize), 0u);
  for (const unsigned ring : {kGfx, kCompute, kSdma}) {
    EXPECT_EQ(rig.status(ring), 0u);
    EXPECT_EQ(rig.reg(ring, reg::kRingSize), 0u);
    EXPECT_EQ(rig.reg(ring, reg::kRingBaseLo), 0u);
  }
  EXPECT_EQ(rig.qword(4096), 0x1234u);
}

TEST_F(ChipResetTest, WholeResetTakesItsTime) {
  write(reg::kGpuReset, reg::kGpuResetMode1);
  rig.run_for(small_profile().cost.gpu_reset - 1);
  EXPECT_EQ(read(reg::kMagic), reg::kNoAnswer);
  rig.run_for(1);
  EXPECT_EQ(read(reg::kMagic), reg::kMagicValue);
}

TEST_F(ChipResetTest, VramIsLostIfItIsToldSoOrInjected) {
  rig.qword(4096) = 1;
  rig.qword(kFree) = 2;
  write(reg::kGpuReset, reg::kGpuResetMode1 | reg::kGpuResetLoseVram);
  rig.run();
  EXPECT_EQ(rig.qword(4096), 0u);
  EXPECT_EQ(rig.qword(kFree), 2u);  // system memory

  rig.qword(4096) = 1;
  inject("vram-loss");
  write(reg::kGpuReset, reg::kGpuResetMode1);
  rig.run();
  EXPECT_EQ(rig.qword(4096), 0u);
}

TEST_F(ChipResetTest, NoTranslationOutlivesAWholeReset) {
  rig.make_client();
  rig.execute(kGfx, rig.client_ib(kGfx, words(pm4::Nop{})));
  write(reg::kGpuReset, reg::kGpuResetMode1);
  rig.run();
  EXPECT_EQ(rig.function().read64(reg::kVmContextBaseLo + 8 * Rig::kClient), 0u);
  rig.start_ring(kGfx);
  rig.submit(kGfx, rig.client_ib(kGfx, words(pm4::Nop{})));
  rig.run();
  EXPECT_EQ(rig.fault(kGfx), reg::kFaultVmInvalid);
}

TEST_F(ChipResetTest, AMuteStepIsEndedByTheNextHigher) {
  rig.submit(kGfx, hang(Mode::kWave));
  rig.run_for(kNanosPerMilli);
  inject("mute-kill");
  rig.set_reg(kGfx, reg::kRingKillWaves, 0);
  rig.run_for(kNanosPerMilli);
  EXPECT_NE(rig.status(kGfx), 0u);
  inject("mute-queue-reset");
  rig.set_reg(kGfx, reg::kRingReset, 1);
  rig.run_for(kNanosPerMilli);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 1u);
  inject("mute-engine-reset");
  write(reg::kSoftReset, reg::kSoftResetGfx);
  rig.run_for(kNanosPerMilli);
  EXPECT_EQ(read(reg::kSoftReset), reg::kSoftResetGfx);
  write(reg::kGpuReset, reg::kGpuResetMode1);
  rig.run();
  EXPECT_EQ(read(reg::kSoftReset), 0u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingReset), 0u);
  expect_working(kGfx);
}

TEST_F(ChipResetTest, AChipThatDoesNotComeBackSaysNothing) {
  inject("mute-gpu-reset");
  write(reg::kGpuReset, reg::kGpuResetMode1);
  rig.run_for(base::kNanosPerSecond);
  EXPECT_EQ(read(reg::kMagic), reg::kNoAnswer);
}

}  // namespace
}  // namespace fakegpu::hw
