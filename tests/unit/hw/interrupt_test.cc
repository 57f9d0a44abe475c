// SPDX-License-Identifier: MIT
// The interrupt ring, and the faults that are injected into it and into packets.
#include "rig.h"

namespace fakegpu::hw {
namespace {

Words interrupt(uint32_t context) {
  return words(pm4::ReleaseMem{.interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite,
                               .address = kFree,
                               .data = context,
                               .context_id = context});
}

constexpr uint32_t kEntries = kIhBytes / sizeof(IhEntry);

TEST(InterruptRing, KeepsOrderAcrossItsEnd) {
  Rig rig;
  for (uint32_t i = 0; i < 5 * kEntries; ++i) {
    rig.execute(kGfx, interrupt(i));
    const auto entries = rig.take_interrupts();
    ASSERT_EQ(entries.size(), 1u);
    ASSERT_EQ(entries[0].context_id, i);
  }
}

TEST(InterruptRing, OverflowIsMarkedAndTheOldEntriesStay) {
  Rig rig;
  for (uint32_t i = 0; i < kEntries + 5; ++i) rig.execute(kGfx, interrupt(i));
  EXPECT_NE(rig.function().read32(reg::kIhWptr) & reg::kIhOverflow, 0u);
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), kEntries - 1);
  for (uint32_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].context_id, i);
  // Sticky until it is acknowledged.
  rig.execute(kGfx, interrupt(7));
  EXPECT_NE(rig.function().read32(reg::kIhWptr) & reg::kIhOverflow, 0u);
  rig.function().write32(reg::kIhWptr, reg::kIhOverflow);
  EXPECT_EQ(rig.function().read32(reg::kIhWptr) & reg::kIhOverflow, 0u);
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST(InterruptRing, DisabledOrBrokenRingTakesNothing) {
  Rig rig;
  rig.function().write32(reg::kIhCntl, 0);
  rig.execute(kGfx, interrupt(1));
  EXPECT_EQ(rig.handler_calls, 0);
  EXPECT_EQ(rig.function().read32(reg::kIhWptr), 0u);
  for (const uint32_t size : {0u, 32u, 100u, 0xffffffffu}) {
    rig.function().write32(reg::kIhCntl, 1);
    rig.function().write32(reg::kIhSize, size);
    rig.execute(kGfx, interrupt(1));
    EXPECT_EQ(rig.handler_calls, 0);
  }
  rig.function().write32(reg::kIhSize, kIhBytes);
  rig.function().write64(reg::kIhBaseLo, 0x7000'0000'0000);
  rig.execute(kGfx, interrupt(1));
  EXPECT_EQ(rig.function().read32(reg::kIhWptr), reg::kIhOverflow);
}

TEST(InterruptRing, MaskedHandlerIsNotCalledAndEntriesWait) {
  Rig rig;
  rig.function().set_interrupt_handler(nullptr);
  rig.execute(kGfx, interrupt(1));
  EXPECT_EQ(rig.handler_calls, 0);
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST(InterruptRing, FenceIsThereWhenTheHandlerRuns) {
  Rig rig;
  uint64_t seen = 0;
  rig.function().set_interrupt_handler([&] { seen = rig.qword(kFree); });
  rig.execute(kGfx, interrupt(12));
  EXPECT_EQ(seen, 12u);
}

TEST(InterruptRing, HandlerMaySubmitMore) {
  Rig rig;
  rig.function().set_interrupt_handler([&] {
    for (const IhEntry& entry : rig.take_interrupts())
      if (entry.context_id < 100) rig.submit(kGfx, interrupt(entry.context_id + 1));
  });
  rig.execute(kGfx, interrupt(0));
  EXPECT_EQ(rig.qword(kFree), 100u);
}

TEST(InterruptRing, InterruptOfOneJobIsNotHeldBackByTheNext) {
  Rig rig;
  uint32_t flag_at_call = 1;
  rig.function().set_interrupt_handler([&] { flag_at_call = rig.dword(kFree + 0x1000); });
  rig.execute(kGfx, interrupt(1) + words(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                                      .source_address = 1,
                                                      .address = kFree + 0x1000,
                                                      .bytes = 1u << 20}));
  EXPECT_EQ(flag_at_call, 0u);
}

struct Injected : testing::Test {
  void inject(FaultSpec spec) { ASSERT_TRUE(rig.gpu->faults().inject(spec)); }
  Rig rig;
};

TEST_F(Injected, LostInterruptIsNeverWritten) {
  inject({.name = "lost-interrupt", .nth = 2});
  for (uint32_t i = 1; i <= 3; ++i) rig.execute(kGfx, interrupt(i));
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].context_id, 3u);
  EXPECT_EQ(rig.handler_calls, 2);
  EXPECT_EQ(rig.qword(kFree), 3u);
}

TEST_F(Injected, LateInterruptComesAfterItsDuration) {
  inject({.name = "late-interrupt", .nth = 1, .duration = 5000});
  rig.submit(kGfx, interrupt(1));
  rig.run_for(4999);
  EXPECT_EQ(rig.qword(kFree), 1u);
  EXPECT_EQ(rig.handler_calls, 0);
  EXPECT_TRUE(rig.take_interrupts().empty());
  rig.run_for(1);
  EXPECT_EQ(rig.handler_calls, 1);
  EXPECT_EQ(rig.take_interrupts().size(), 1u);
}

TEST_F(Injected, DuplicateInterruptComesTwice) {
  inject({.name = "duplicate-interrupt", .ring = kCompute, .nth = 1});
  rig.execute(kGfx, interrupt(1));
  rig.execute(kCompute, interrupt(2));
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[1].context_id, 2u);
  EXPECT_EQ(entries[2].context_id, 2u);
}

TEST_F(Injected, StuckDoorbellDoesNotReachTheRing) {
  inject({.name = "stuck-doorbell", .nth = 1});
  rig.submit(kGfx, interrupt(1));
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 0u);
  EXPECT_TRUE(rig.idle(kGfx));
  rig.submit(kGfx, words(pm4::Nop{}));
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 1u);
}

TEST_F(Injected, HungPacketIsKillable) {
  inject({.name = "hang", .nth = 2});
  rig.submit(kGfx, words(pm4::Nop{}, pm4::Nop{}) + interrupt(1));
  rig.run();
  EXPECT_EQ(rig.status(kGfx), reg::kRingBusy | reg::kRingHung);
  EXPECT_EQ(rig.rptr(kGfx), 1u);
  rig.set_reg(kGfx, reg::kRingKillWaves, 0);
  rig.run();
  EXPECT_EQ(rig.qword(kFree), 1u);
}

TEST_F(Injected, SlowPacketTakesLonger) {
  inject({.name = "slow-packet", .nth = 1, .duration = 7000});
  const base::Nanos start = rig.now();
  rig.execute(kGfx, words(pm4::Nop{}) + interrupt(1));
  EXPECT_EQ(rig.now() - start, 7000);
}

TEST_F(Injected, CorruptPacketStopsTheQueueOnEitherKindOfRing) {
  inject({.name = "corrupt-packet", .nth = 1});
  rig.expect_fault(kGfx, interrupt(1), reg::kFaultBadOpcode);
  inject({.name = "corrupt-packet", .nth = 1});
  rig.expect_fault(kSdma, words(sdma::Trap{}), reg::kFaultBadOpcode);
  EXPECT_EQ(rig.qword(kFree), 0u);
}

TEST_F(Injected, BadAddressMissesTranslationForThatPacketOnly) {
  inject({.name = "bad-address", .nth = 1});
  rig.expect_fault(kGfx, interrupt(1), reg::kFaultVmInvalid);
  rig.execute(kGfx, interrupt(2));
  inject({.name = "bad-address", .nth = 1});
  rig.execute(kGfx, words(pm4::Nop{}) + interrupt(3));  // a NOP has no access to miss
  EXPECT_EQ(rig.qword(kFree), 3u);
}

TEST_F(Injected, BadAddressOnAnIbPacketDoesNotReachIntoTheIb) {
  rig.make_client();
  inject({.name = "bad-address", .nth = 1});
  rig.execute_client(kGfx, words(pm4::Nop{}));
}

}  // namespace
}  // namespace fakegpu::hw
