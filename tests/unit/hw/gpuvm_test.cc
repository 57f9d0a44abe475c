// SPDX-License-Identifier: MIT
// Isolation: what a client's IB can reach and do.
#include "rig.h"

namespace fakegpu::hw {
namespace {

Words write(uint64_t at, uint32_t value) {
  const Words data = {value};
  return words(pm4::WriteData{.address = at, .data = data});
}

struct GpuvmTest : testing::Test {
  GpuvmTest() { rig.make_client(); }
  Rig rig;
  static constexpr uint64_t kVa = Rig::kClientData;
  static constexpr PhysAddr kAt = Rig::kClientDataAt;
};

TEST_F(GpuvmTest, AddressesAreTranslated) {
  rig.execute_client(kGfx, write(kVa, 5));
  EXPECT_EQ(rig.dword(kAt), 5u);
}

TEST_F(GpuvmTest, UnmappedAddressesFaultWithAddressAndVmid) {
  rig.take_interrupts();
  rig.submit(kGfx, rig.client_ib(kGfx, write(0x1234000, 5)));
  rig.run();
  const auto entries = rig.take_interrupts();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].source, static_cast<uint8_t>(IrqSource::kVmFault));
  EXPECT_EQ(entries[0].vmid, Rig::kClient);
  EXPECT_EQ(entries[0].data[0], 0x1234000u);
  const uint32_t status = Rig::kClient | 1u << 4 | reg::kFaultVmInvalid << 8;
  EXPECT_EQ(entries[0].data[1], status);
  EXPECT_EQ(rig.function().read64(reg::kVmFaultAddrLo), 0x1234000u);
  EXPECT_EQ(rig.function().read32(reg::kVmFaultStatus), status);
  EXPECT_EQ(rig.fault(kGfx), reg::kFaultVmInvalid);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingFaultPacket), write(0, 0)[0]);
  EXPECT_EQ(rig.reg(kGfx, reg::kRingIbLevel), 1u);
}

TEST_F(GpuvmTest, ReadOnlyPagesCannotBeWritten) {
  rig.map(Rig::kClient, 0x100000, kFree, kPageSize, pte::kReadable);
  rig.expect_client_fault(kGfx, write(0x100000, 5), reg::kFaultVmReadOnly);
  rig.expect_client_fault(kGfx, words(pm4::AtomicMem{.address = 0x100000, .data = 5}),
                          reg::kFaultVmReadOnly);
  rig.expect_client_fault(
      kGfx, words(pm4::DmaData{.source_address = kVa, .address = 0x100000, .bytes = 8}),
      reg::kFaultVmReadOnly);
  EXPECT_EQ(rig.dword(kFree), 0u);
  rig.execute_client(kGfx,
                     words(pm4::DmaData{.source_address = 0x100000, .address = kVa, .bytes = 8}));
}

TEST_F(GpuvmTest, NeighboursInMemoryKeepTheirOwnRights) {
  rig.map(Rig::kClient, 0x100000, kFree, kPageSize);
  rig.map(Rig::kClient, 0x101000, kFree + kPageSize, kPageSize, pte::kReadable);
  rig.expect_client_fault(kGfx,
                          words(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                             .source_address = 1,
                                             .address = 0x100000,
                                             .bytes = 2 * kPageSize}),
                          reg::kFaultVmReadOnly);
  EXPECT_EQ(rig.function().read64(reg::kVmFaultAddrLo), 0x101000u);
  EXPECT_EQ(rig.dword(kFree + kPageSize - 4), 1u);
  EXPECT_EQ(rig.dword(kFree + kPageSize), 0u);
}

TEST_F(GpuvmTest, WriteOnlyPagesCannotBeRead) {
  rig.map(Rig::kClient, 0x100000, kFree, kPageSize, pte::kWritable);
  rig.execute_client(kGfx, write(0x100000, 5));
  EXPECT_EQ(rig.dword(kFree), 5u);
  rig.expect_client_fault(
      kGfx, words(pm4::DmaData{.source_address = 0x100000, .address = kVa, .bytes = 8}),
      reg::kFaultVmInvalid);
  rig.expect_client_fault(kGfx, words(pm4::AtomicMem{.address = 0x100000, .data = 5}),
                          reg::kFaultVmInvalid);
}

TEST_F(GpuvmTest, OtherVmidsMappingsAreOutOfReach) {
  rig.map(4, 0x700000, kFree, kPageSize);
  rig.expect_client_fault(kGfx, write(0x700000, 5), reg::kFaultVmInvalid);
  // The same virtual address is another page for another VMID, also in the translation cache.
  rig.map(Rig::kClient, 0x700000, kFree + 0x2000, kPageSize);
  rig.execute_client(kGfx, write(0x700000, 1));
  rig.put(kFree + 0x800, write(0x700000, 2));
  rig.execute(kGfx, words(pm4::IndirectBuffer{.address = 0x700800, .dwords = 5, .vmid = 4}));
  EXPECT_EQ(rig.dword(kFree + 0x2000), 1u);
  EXPECT_EQ(rig.dword(kFree), 2u);
}

TEST_F(GpuvmTest, VmidWithoutTablesReachesNothing) {
  rig.expect_fault(kGfx, words(pm4::IndirectBuffer{.address = 0x1000, .dwords = 1, .vmid = 9}),
                   reg::kFaultVmInvalid);
}

TEST_F(GpuvmTest, AddressesBeyond48BitsFault) {
  rig.map(Rig::kClient, pte::kAddressEnd - kPageSize, kFree, kPageSize);
  rig.execute_client(kGfx, write(pte::kAddressEnd - 4, 1));
  rig.expect_client_fault(
      kGfx, words(pm4::DmaData{.source_address = kVa, .address = pte::kAddressEnd - 4, .bytes = 8}),
      reg::kFaultVmInvalid);
}

TEST_F(GpuvmTest, BrokenTablesFaultAndDoNotCrash) {
  // A directory that points to nothing, and an entry whose address is nowhere or lies about its
  // heap.
  rig.map(Rig::kClient, 0x800000, 0x7fff'ffff'f000, kPageSize);
  rig.expect_client_fault(kGfx, write(0x800000, 1), reg::kFaultVmInvalid);
  rig.map(Rig::kClient, 0x801000, kVram, kPageSize);
  rig.expect_client_fault(kGfx, write(0x801000, 1), reg::kFaultVmInvalid);
  rig.map(Rig::kClient, 0x802000, kFree & 0xffffff, kPageSize, kAllRights | pte::kSystem);
  rig.expect_client_fault(kGfx, write(0x802000, 1), reg::kFaultVmInvalid);
  rig.function().write64(reg::kVmContextBaseLo + 8 * 5, (kSystemBase * 3) | reg::kVmValid);
  rig.expect_fault(kGfx, words(pm4::IndirectBuffer{.address = 0x1000, .dwords = 1, .vmid = 5}),
                   reg::kFaultVmInvalid);
}

TEST_F(GpuvmTest, RunThatEndsInTheMiddleOfAPacketFaultsThere) {
  rig.map(Rig::kClient, 0x100000, kFree, 2 * kPageSize);
  rig.take_interrupts();
  rig.submit(kGfx, rig.client_ib(kGfx, words(pm4::DmaData{.source = pm4::DmaData::Source::kData,
                                                          .source_address = 7,
                                                          .address = 0x100800,
                                                          .bytes = 3 * kPageSize})));
  rig.run();
  EXPECT_EQ(rig.function().read64(reg::kVmFaultAddrLo), 0x102000u);
  EXPECT_EQ(rig.dword(kFree + 2 * kPageSize - 4), 7u);
  EXPECT_EQ(rig.dword(kFree + 2 * kPageSize), 0u);
}

TEST_F(GpuvmTest, IbThatLeavesItsMappingRunsToTheEdge) {
  rig.map(Rig::kClient, 0x100000, kFree, kPageSize);
  const Words last = write(kVa, 6);
  rig.put(kFree + kPageSize - 4 * last.size(), last);
  const uint64_t start = 0x101000 - 4 * last.size();
  rig.expect_fault(kGfx,
                   words(pm4::IndirectBuffer{.address = start, .dwords = 20, .vmid = Rig::kClient}),
                   reg::kFaultVmInvalid);
  EXPECT_EQ(rig.dword(kAt), 6u);
}

TEST_F(GpuvmTest, InvalidationMakesChangesSeen) {
  rig.map(Rig::kClient, 0x100000, kFree, 4 * kPageSize);
  rig.execute_client(kGfx, write(0x100000, 1));
  rig.map(Rig::kClient, 0x100000, kFree + 0x10000, 4 * kPageSize);
  rig.invalidate(Rig::kClient);
  EXPECT_EQ(rig.function().read32(reg::kVmInvalidate), 0u);
  rig.execute_client(kGfx, write(0x100000, 2));
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_EQ(rig.dword(kFree + 0x10000), 2u);

  rig.map(Rig::kClient, 0x100000, 0, 4 * kPageSize, 0);
  rig.invalidate(Rig::kClient);
  rig.expect_client_fault(kGfx, write(0x100000, 3), reg::kFaultVmInvalid);
}

TEST_F(GpuvmTest, InvalidationIsOfTheNamedVmidsAndFromAnyRing) {
  rig.map(Rig::kClient, 0x100000, kFree, kPageSize);
  for (const unsigned ring : {kGfx, kCompute}) rig.execute_client(ring, write(0x100000, 1));
  rig.map(Rig::kClient, 0x100000, kFree + 0x10000, kPageSize);
  // Translations are cached: without invalidation the old ones are in use.
  rig.function().write32(reg::kVmInvalidate, ~(1u << Rig::kClient));
  rig.execute_client(kGfx, write(0x100000, 2));
  EXPECT_EQ(rig.dword(kFree), 2u);
  // As a ring frame does: write the registers, then wait until it is done.
  const Words mask = {1u << Rig::kClient};
  rig.execute(kCompute, words(pm4::WriteData{.destination = pm4::Destination::kRegister,
                                             .address = reg::kVmInvalidate / 4,
                                             .data = mask},
                              pm4::WaitRegMem{.memory = false,
                                              .address = reg::kVmInvalidate / 4,
                                              .reference = 0,
                                              .mask = mask[0]}));
  for (const unsigned ring : {kGfx, kCompute}) rig.execute_client(ring, write(0x100000, 3));
  EXPECT_EQ(rig.dword(kFree), 2u);
  EXPECT_EQ(rig.dword(kFree + 0x10000), 3u);
}

TEST_F(GpuvmTest, ClientMayNotTouchRegisters) {
  const Words data = {1};
  const auto bad = [&](const auto& packet) {
    rig.expect_client_fault(kGfx, words(packet), reg::kFaultBadPacket);
  };
  bad(pm4::WriteData{
      .destination = pm4::Destination::kRegister, .address = reg::kScratch / 4, .data = data});
  bad(pm4::CopyData{.source = pm4::CopyData::Source::kImmediate,
                    .destination = pm4::Destination::kRegister,
                    .value = 1,
                    .address = reg::kScratch / 4});
  bad(pm4::CopyData{
      .source = pm4::CopyData::Source::kRegister, .value = reg::kScratch / 4, .address = kVa});
  bad(pm4::CopyData{.source = pm4::CopyData::Source::kRegister,
                    .wide = true,
                    .value = reg::kTimestampHi / 4,
                    .address = kVa});
  bad(pm4::WaitRegMem{.memory = false, .address = reg::kVmContextBaseLo / 4});
  EXPECT_EQ(rig.function().read32(reg::kScratch), 0u);
}

TEST_F(GpuvmTest, ClientMayReadTheTimestamp) {
  rig.execute_client(kGfx, words(pm4::CopyData{.source = pm4::CopyData::Source::kRegister,
                                               .wide = true,
                                               .value = reg::kTimestampLo / 4,
                                               .address = kVa}));
  EXPECT_EQ(rig.qword(kAt), static_cast<uint64_t>(rig.now()));
}

TEST_F(GpuvmTest, ClientMayNotNameAnotherVmidButItsIbsInherit) {
  rig.map(4, 0x700000, kFree, kPageSize);
  for (const bool chain : {false, true}) {
    rig.expect_client_fault(
        kGfx,
        words(pm4::IndirectBuffer{.address = 0x700000, .dwords = 1, .vmid = 4, .chain = chain}),
        reg::kFaultBadPacket);
    rig.put(kAt + 0x1000, write(kVa, 8));
    rig.dword(kAt) = 0;
    rig.execute_client(
        kGfx, words(pm4::IndirectBuffer{.address = kVa + 0x1000, .dwords = 5, .chain = chain}));
    EXPECT_EQ(rig.dword(kAt), 8u);
  }
}

TEST_F(GpuvmTest, ClientCannotForgeTheDriversInterruptAndIsNotRedirected) {
  rig.set_reg(kGfx, reg::kRingRedirect, 1);
  rig.execute_client(
      kGfx, words(pm4::ReleaseMem{
                .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite, .address = kVa, .data = 9}));
  EXPECT_EQ(rig.qword(kAt), 9u);
  EXPECT_EQ(rig.qword(kAt + 8), 0u);
  EXPECT_TRUE(rig.take_interrupts().empty());
  EXPECT_EQ(rig.handler_calls, 0);
}

TEST_F(GpuvmTest, KernelsOwnIbIsPrivileged) {
  const Words data = {1};
  rig.put(0x4000, words(pm4::WriteData{.destination = pm4::Destination::kRegister,
                                       .address = reg::kScratch / 4,
                                       .data = data}));
  rig.execute(kGfx, words(pm4::IndirectBuffer{.address = 0x4000, .dwords = 5}));
  EXPECT_EQ(rig.function().read32(reg::kScratch), 1u);
}

TEST_F(GpuvmTest, FaultOfOneRingStopsNoOther) {
  rig.submit(kGfx, rig.client_ib(kGfx, write(0x1234000, 5)));
  rig.run();
  rig.execute(kCompute, write(kFree, 1));
  EXPECT_EQ(rig.dword(kFree), 1u);
  EXPECT_NE(rig.status(kGfx) & reg::kRingFaulted, 0u);
}

}  // namespace
}  // namespace fakegpu::hw
