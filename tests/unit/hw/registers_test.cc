// SPDX-License-Identifier: MIT
#include "rig.h"

namespace fakegpu::hw {
namespace {

TEST(Registers, DiscoveryDescribesTheProfile) {
  Profile profile = small_profile();
  profile.gfx_rings = 2;
  profile.compute_rings = 0;
  profile.edu_packets = false;
  Rig rig(profile);
  Function& f = rig.function();
  EXPECT_EQ(f.read32(reg::kMagic), reg::kMagicValue);
  EXPECT_EQ(f.read32(reg::kDeviceId), profile.device_id);
  EXPECT_EQ(f.read32(reg::kRevision), profile.revision);
  EXPECT_EQ(f.read32(reg::kVramMegabytes), 32u);
  EXPECT_EQ(f.read32(reg::kSystemMegabytes), 16u);
  EXPECT_EQ(f.read32(reg::kVmidCount), 16u);
  EXPECT_EQ(f.read32(reg::kFeatures), 0u);
  ASSERT_EQ(f.read32(reg::kBlockCount), 4u);  // no compute
  EXPECT_EQ(f.read32(reg::kBlocks) & 0xff, reg::kBlockIh);
  EXPECT_EQ(f.read32(reg::kBlocks + 16) & 0xff, reg::kBlockGfx);
  EXPECT_EQ(f.read32(reg::kBlocks + 20), 2u);
  EXPECT_EQ(f.read32(reg::kBlocks + 24) & 0xff, reg::kBlockSdma);
  std::string name;
  for (uint32_t i = 0; i < 32; i += 4) {
    const uint32_t part = f.read32(reg::kName + i);
    name.append(reinterpret_cast<const char*>(&part), 4);
  }
  EXPECT_STREQ(name.c_str(), "fakegpu-edu");
  EXPECT_EQ(rig.gpu->ring_count(), 4u);
}

TEST(Registers, DiscoveryIgnoresWrites) {
  Rig rig;
  rig.function().write32(reg::kMagic, 0);
  EXPECT_EQ(rig.function().read32(reg::kMagic), reg::kMagicValue);
}

TEST(Registers, ScratchHoldsWhatIsWritten) {
  Rig rig;
  for (uint32_t i = 0; i < reg::kScratchCount; ++i)
    rig.function().write32(reg::kScratch + 4 * i, 0x1000 + i);
  for (uint32_t i = 0; i < reg::kScratchCount; ++i)
    EXPECT_EQ(rig.function().read32(reg::kScratch + 4 * i), 0x1000 + i);
}

TEST(Registers, TimestampLatchesItsHighHalf) {
  Rig rig;
  rig.run_for((base::Nanos{5} << 32) - 1 - rig.now());
  EXPECT_EQ(rig.function().read32(reg::kTimestampLo), 0xffffffffu);
  rig.run_for(1);
  EXPECT_EQ(rig.function().read32(reg::kTimestampHi), 4u);
  EXPECT_EQ(rig.function().read64(reg::kTimestampLo), uint64_t{5} << 32);
}

TEST(Registers, WholeApertureAndBeyondCanBeReadAndWritten) {
  Rig rig;
  for (uint32_t offset = 0; offset < reg::kApertureBytes + 64; ++offset) {
    rig.function().read32(offset);
    rig.function().write32(offset, 0xffffffff);
  }
  rig.run();
  EXPECT_EQ(rig.function().read32(0xfff0), 0u);
  EXPECT_EQ(rig.function().read32(reg::kMagic + 1), 0u);
  rig.function().ring_doorbell(100, 5);
}

TEST(Registers, RingShowsItsPointersAndPosition) {
  Rig rig;
  rig.submit(kGfx, words(pm4::Nop{}, pm4::Hang{}));
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy);
  rig.run();
  EXPECT_EQ(rig.rptr(kGfx), 1u);
  EXPECT_EQ(rig.function().read64(reg::ring(kGfx, reg::kRingWptrLo)), 5u);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbLevel), 0u);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbOffset), 1u);
  EXPECT_EQ(rig.function().read64(reg::ring(kGfx, reg::kRingIbBaseLo)), rig.ring_base(kGfx));
}

TEST(Registers, WritePointerCanBeSetByRegistersToo) {
  Rig rig;
  rig.put(rig.ring_base(kGfx), words(pm4::Nop{}, pm4::Nop{}));
  rig.function().write64(reg::ring(kGfx, reg::kRingWptrLo), 2);
  rig.run();
  EXPECT_EQ(rig.rptr(kGfx), 2u);
}

TEST(Registers, DisabledRingFetchesNothingUntilItIsEnabled) {
  Rig rig;
  rig.set_reg(kGfx, reg::kRingCntl, 0);
  rig.submit(kGfx, words(pm4::Nop{}));
  rig.run();
  EXPECT_EQ(rig.rptr(kGfx), 0u);
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy);
  rig.set_reg(kGfx, reg::kRingCntl, 1);
  rig.run();
  EXPECT_TRUE(rig.idle(kGfx));
}

TEST(Registers, DisablingStopsBeforeTheNextPacket) {
  Rig rig;
  rig.submit(kGfx, words(pm4::Work{.units = 1, .unit_ns = 1000}, pm4::Nop{}));
  rig.run_for(500);
  rig.set_reg(kGfx, reg::kRingCntl, 0);
  rig.run();
  EXPECT_EQ(rig.rptr(kGfx), 6u);
}

TEST(Registers, BadRingGeometryIsAFaultNotACrash) {
  for (const uint32_t size : {0u, 63u, 100u, 32u, 2u << 20, 0xffffffffu}) {
    Rig rig;
    rig.set_reg(kGfx, reg::kRingSize, size);
    rig.submit(kGfx, words(pm4::Nop{}));
    rig.run();
    EXPECT_EQ(rig.fault(kGfx), reg::kFaultBadPacket) << size;
  }
  Rig rig;
  rig.function().write64(reg::ring(kGfx, reg::kRingBaseLo), kSystemBase + kSystem - 256);
  rig.submit(kGfx, words(pm4::Nop{}));
  rig.run();
  EXPECT_EQ(rig.fault(kGfx), reg::kFaultVmInvalid);
}

TEST(Registers, WritePointerBeyondTheRingIsAFault) {
  Rig rig;
  rig.function().ring_doorbell(kGfx, kRingDwords + 1);
  rig.run();
  EXPECT_EQ(rig.fault(kGfx), reg::kFaultBadPacket);
}

TEST(Registers, PacketsWrapAroundTheEndOfTheRing) {
  Rig rig;
  // 7 dwords do not divide the ring: the packet starts at every position.
  const Words data = {1, 2, 3};
  for (uint32_t i = 0; i < 2 * kRingDwords; ++i) {
    const Words mine = {i, i + 1, i + 2};
    rig.execute(kGfx, words(pm4::WriteData{.address = kFree, .data = mine}));
    ASSERT_EQ(rig.dword(kFree), i);
    ASSERT_EQ(rig.dword(kFree + 8), i + 2);
  }
  EXPECT_EQ(rig.rptr(kGfx), 14u * kRingDwords);
}

TEST(Registers, ProfilesOutOfRangeAreRefused) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  const auto refused = [&](auto change) {
    Profile profile = small_profile();
    change(profile);
    const auto gpu = Gpu::create(profile, executor, executor, tracer);
    return !gpu && gpu.error().negated() == -EINVAL;
  };
  EXPECT_TRUE(refused([](Profile& p) { p.gfx_rings = 5; }));
  EXPECT_TRUE(refused([](Profile& p) { p.compute_rings = 9; }));
  EXPECT_TRUE(refused([](Profile& p) { p.sdma_rings = 5; }));
  EXPECT_TRUE(refused([](Profile& p) { p.slice = 0; }));
  EXPECT_TRUE(refused([](Profile& p) { p.vram_bytes = 4095; }));
  EXPECT_TRUE(refused([](Profile& p) { p.system_bytes = 0; }));
  EXPECT_TRUE(refused([](Profile& p) { p.cost.packet = -1; }));
  EXPECT_FALSE(refused([](Profile& p) { p.gfx_rings = p.compute_rings = p.sdma_rings = 0; }));
}

}  // namespace
}  // namespace fakegpu::hw
