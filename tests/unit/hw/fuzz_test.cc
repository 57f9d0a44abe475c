// SPDX-License-Identifier: MIT
// Whatever a client puts into an IB: the chip does not crash, time goes on, nothing outside of the
// client's memory changes, and after a reset the ring works.
#include <random>

#include "packets/registers.h"
#include "rig.h"

namespace fakegpu::hw {
namespace {

constexpr PhysAddr kSecret = kFree + 0x300000;

// Dwords that look like packets more often than chance would have it.
uint32_t likely_dword(std::mt19937_64& random, bool sdma) {
  static constexpr uint8_t kPm4[] = {0x10, 0x15, 0x1e, 0x22, 0x37, 0x3c, 0x3f, 0x40, 0x46,
                                     0x49, 0x50, 0x76, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4};
  switch (random() % 6) {
    case 0:
      return static_cast<uint32_t>(random());
    case 1:
      return static_cast<uint32_t>(random() % 16);
    case 2:
      return static_cast<uint32_t>(Rig::kClientVa >> 32);
    case 3:
      return static_cast<uint32_t>(random() % 0x10000) & ~7u;  // an offset in the client's memory
    default:
      if (sdma && random() % 16 == 0) return sdma::Work::kOpcode;
      if (sdma) return static_cast<uint32_t>(random() % 16 | (random() % 4 == 0 ? 2 << 8 : 0));
      return pm4::type3(kPm4[random() % std::size(kPm4)], static_cast<uint32_t>(1 + random() % 8));
  }
}

void recover(Rig& rig, unsigned ring) {
  rig.set_reg(ring, reg::kRingReset, 1);
  rig.run_for(base::kNanosPerMicro);
}

TEST(Fuzz, RandomIbsDoNoHarm) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rig rig(small_profile(), seed);
    rig.make_client();
    rig.qword(kSecret) = 0x5ec2e7;
    std::mt19937_64 random(seed);
    const unsigned ring = seed % 2 ? kSdma : kGfx;
    for (int round = 0; round < 10; ++round) {
      Words ib(1 + random() % 200);
      for (uint32_t& dword : ib) dword = likely_dword(random, ring == kSdma);
      rig.submit(ring, rig.client_ib(ring, ib));
      rig.run_for(base::kNanosPerMilli);
      if (rig.idle(ring)) continue;
      recover(rig, ring);
      // A client may hang a ring for good in two of the HANG modes.
      if (rig.reg(ring, reg::kRingReset)) break;
      rig.start_ring(ring);
    }
    EXPECT_EQ(rig.qword(kSecret), 0x5ec2e7u);
    EXPECT_EQ(rig.function().read32(reg::kScratch), 0u);
    for (const IhEntry& entry : rig.take_interrupts())
      EXPECT_TRUE(entry.source == static_cast<uint8_t>(IrqSource::kVmFault) ||
                  entry.source == static_cast<uint8_t>(IrqSource::kBadOpcode));
    rig.execute(ring + 1, ring == kSdma ? words(sdma::Nop{}) : words(pm4::Nop{}));
  }
}

// Valid packets with single bits turned, where checks that are off by a little show.
TEST(Fuzz, BitFlipsOfGoodPackets) {
  const Words data = {1, 2, 3};
  const uint64_t at = Rig::kClientData;
  const std::vector<Words> pm4_packets = {
      words(pm4::WriteData{.address = at, .data = data}),
      words(pm4::CopyData{.value = at, .address = at + 8}),
      words(pm4::DmaData{.source_address = at, .address = at + 64, .bytes = 100}),
      words(pm4::AtomicMem{.address = at, .data = 1}),
      words(pm4::WaitRegMem{.address = at, .reference = 0}),
      words(pm4::CondExec{.address = at, .count = 1}, pm4::Nop{}),
      words(pm4::IndirectBuffer{.address = at, .dwords = 1}),
      words(pm4::SetShReg{.offset = packets::sh::kComputePgmLo, .values = data}),
      words(pm4::DispatchDirect{}),
      words(pm4::EventWrite{}),
      words(pm4::ReleaseMem{.address = at, .data = 1}),
      words(pm4::Work{.units = 1, .unit_ns = 1, .progress_address = at}),
      words(pm4::Hang{}),
      words(pm4::Fault{}),
      words(pm4::Mark{}),
      words(pm4::Hash{.address = at, .bytes = 64, .destination = at})};
  const std::vector<Words> sdma_packets = {
      words(sdma::CopyLinear{.source = at, .destination = at + 64, .bytes = 32}),
      words(sdma::WriteLinear{.destination = at, .data = data}),
      words(sdma::Fence{.address = at, .data = 1}),
      words(sdma::PollRegMem{.address = at, .reference = 0}),
      words(sdma::CondExec{.address = at, .count = 1}, sdma::Nop{}),
      words(sdma::AtomicMem{.address = at, .data = 1}),
      words(sdma::ConstFill{.destination = at, .bytes = 16}),
      words(sdma::Timestamp{.address = at}),
      words(sdma::Work{.units = 1, .unit_ns = 1, .progress_address = at})};
  Rig rig;
  rig.make_client();
  rig.dword(Rig::kClientDataAt) = 0xc0000000 | 0x3fff << 16 | 0x10 << 8;
  unsigned ring = 0;
  for (const Words& packet : pm4_packets) {
    for (size_t bit = 0; bit < packet.size() * 32; ++bit) {
      Words flipped = packet;
      flipped[bit / 32] ^= 1u << bit % 32;
      rig.submit(ring, rig.client_ib(ring, flipped));
      rig.run_for(base::kNanosPerMilli);
      if (rig.idle(ring)) continue;
      recover(rig, ring);
      if (rig.reg(ring, reg::kRingReset)) {
        ASSERT_LT(++ring, kSdma) << "more rings lost than HANG modes can explain";
        continue;
      }
      rig.start_ring(ring);
    }
    rig.take_interrupts();
  }
  for (const Words& packet : sdma_packets) {
    for (size_t bit = 0; bit < packet.size() * 32; ++bit) {
      Words flipped = packet;
      flipped[bit / 32] ^= 1u << bit % 32;
      rig.submit(kSdma, rig.client_ib(kSdma, flipped));
      rig.run_for(base::kNanosPerMilli);
      if (rig.idle(kSdma)) continue;
      recover(rig, kSdma);
      ASSERT_EQ(rig.reg(kSdma, reg::kRingReset), 0u);
      rig.start_ring(kSdma);
    }
    rig.take_interrupts();
  }
}

}  // namespace
}  // namespace fakegpu::hw
