// SPDX-License-Identifier: MIT
#include "rig.h"

namespace fakegpu::hw {

ChipRig::ChipRig(const Profile& profile, base::Clock& clock, base::Executor& executor)
    : tracer(clock) {
  gpu = *Gpu::create(profile, clock, executor, tracer);
  function_ = &gpu->function(0);
  const auto bind = [this](PhysAddr at, uint64_t size) {
    const base::UniqueFd fd = *base::create_sealed_memfd("rig", size);
    ASSERT_TRUE(function_->memory().bind(at, size, fd.get(), 0));
  };
  bind(0, profile.vram_bytes);
  bind(kSystemBase, profile.system_bytes);

  function_->write64(reg::kIhBaseLo, kIhBase);
  function_->write32(reg::kIhSize, kIhBytes);
  function_->write32(reg::kIhCntl, 1);
  function_->set_interrupt_handler([this] { ++handler_calls; });
  for (unsigned ring = 0; ring < gpu->ring_count(); ++ring) start_ring(ring);
}

void ChipRig::start_ring(unsigned ring) {
  function_->write64(reg::ring(ring, reg::kRingBaseLo), ring_base(ring));
  set_reg(ring, reg::kRingSize, kRingDwords);
  set_reg(ring, reg::kRingCntl, 1);
  wptr_[ring] = 0;
}

void ChipRig::submit(unsigned ring, const Words& packets) {
  uint32_t* const buffer = &at<uint32_t>(ring_base(ring), kRingDwords);
  uint64_t& wptr = wptr_[ring];
  for (const uint32_t dword : packets) buffer[wptr++ % kRingDwords] = dword;
  function_->ring_doorbell(ring, wptr);
}

PhysAddr ChipRig::new_table() {
  const PhysAddr table = next_table_;
  next_table_ += kPageSize;
  return table;
}

void ChipRig::map(unsigned vmid, uint64_t va, PhysAddr physical, uint64_t size, uint64_t rights) {
  PhysAddr& root = roots_[vmid];
  if (!root) {
    root = new_table();
    function_->write64(reg::kVmContextBaseLo + 8 * vmid, root | reg::kVmValid);
  }
  for (uint64_t done = 0; done < size; done += kPageSize) {
    PhysAddr table = root;
    for (unsigned level = pte::kLevels - 1; level > 0; --level) {
      uint64_t& entry = qword(table + 8 * pte::index(va + done, level));
      if (!entry) entry = new_table() | pte::kValid;
      table = entry & pte::kAddressMask;
    }
    const uint64_t system = physical >= kSystemBase ? pte::kSystem : 0;
    std::atomic_ref(qword(table + 8 * pte::index(va + done, 0)))
        .store(rights ? (physical + done) | pte::kValid | rights | system : 0);
  }
}

std::vector<IhEntry> ChipRig::take_interrupts() {
  std::vector<IhEntry> entries;
  const uint32_t wptr = function_->read32(reg::kIhWptr) & ~reg::kIhOverflow;
  for (; ih_rptr_ != wptr; ih_rptr_ = (ih_rptr_ + sizeof(IhEntry)) % kIhBytes)
    entries.push_back(at<IhEntry>(kIhBase + ih_rptr_));
  function_->write32(reg::kIhRptr, ih_rptr_);
  return entries;
}

void Rig::expect_fault(unsigned ring, const Words& packets, uint32_t reason) {
  SCOPED_TRACE("expect_fault");
  take_interrupts();
  submit(ring, packets);
  run();
  EXPECT_EQ(status(ring) & reg::kRingFaulted, reg::kRingFaulted);
  EXPECT_EQ(fault(ring), reason);
  const std::vector<IhEntry> entries = take_interrupts();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].ring, ring);
  const bool vm = reason == reg::kFaultVmInvalid || reason == reg::kFaultVmReadOnly;
  EXPECT_EQ(entries[0].source,
            static_cast<uint8_t>(vm ? IrqSource::kVmFault : IrqSource::kBadOpcode));
  if (!vm) {
    EXPECT_EQ(entries[0].data[0], reason);
    EXPECT_EQ(entries[0].data[1], reg(ring, reg::kRingFaultPacket));
  } else {
    EXPECT_EQ(entries[0].data[1] >> 8, reason);
  }
  // Nothing more is fetched until the reset, and then the ring works again.
  const uint64_t stopped = rptr(ring);
  submit(ring, words(pm4::Nop{}));
  run();
  EXPECT_EQ(rptr(ring), stopped);
  set_reg(ring, reg::kRingReset, 1);
  EXPECT_EQ(reg(ring, reg::kRingReset), 0u);
  EXPECT_EQ(status(ring), 0u);
  EXPECT_EQ(fault(ring), 0u);
  start_ring(ring);
}

Words Rig::client_ib(unsigned ring, const Words& ib) {
  put(kClientMemory, ib);
  const uint32_t dwords = static_cast<uint32_t>(ib.size());
  if (ring >= kSdma)
    return words(sdma::Indirect{.vmid = kClient, .address = kClientVa, .dwords = dwords});
  return words(pm4::IndirectBuffer{.address = kClientVa, .dwords = dwords, .vmid = kClient});
}

void Rig::expect_client_fault(unsigned ring, const Words& ib, uint32_t reason) {
  expect_fault(ring, client_ib(ring, ib), reason);
}

void Rig::execute_client(unsigned ring, const Words& ib) {
  execute(ring, client_ib(ring, ib));
}

}  // namespace fakegpu::hw
