// SPDX-License-Identifier: MIT
#include "frame.h"

#include "hw/page_table.h"
#include "hw/registers.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::drv {

namespace {

namespace reg = hw::reg;
namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;
using packets::Words;

struct RegisterWrite {
  uint32_t offset;  // bytes
  uint32_t value;
};

// Loads the VMID's page table, then drops what it cached of the one before.
struct FlushWrites {
  explicit FlushWrites(const Frame& frame)
      : writes{
            {reg::kVmContextBaseLo + 8 * frame.vmid,
             static_cast<uint32_t>(frame.page_table) | reg::kVmValid},
            {reg::kVmContextBaseHi + 8 * frame.vmid, static_cast<uint32_t>(frame.page_table >> 32)},
            {reg::kVmInvalidate, 1u << frame.vmid}} {}
  RegisterWrite writes[3];
};

}  // namespace

void encode_pm4_frame(const Frame& frame, Words& out) {
  if (frame.flush) {
    for (const RegisterWrite& write : FlushWrites(frame).writes) {
      pm4::WriteData packet;
      packet.destination = pm4::Destination::kRegister;
      packet.address = write.offset / 4;
      packet.data = {&write.value, 1};
      packet.encode(out);
    }
    pm4::WaitRegMem done;
    done.memory = false;
    done.address = reg::kVmInvalidate / 4;
    done.mask = 1u << frame.vmid;
    done.encode(out);
  }

  const size_t condition_at = out.size();
  pm4::CondExec condition;
  condition.address = frame.condition;
  condition.encode(out);
  const size_t body = out.size();
  for (const drm_fakegpu_ib& ib : frame.ibs) {
    pm4::IndirectBuffer packet;
    packet.address = ib.va;
    packet.dwords = ib.dwords;
    packet.vmid = static_cast<uint8_t>(frame.vmid);
    packet.pre_enb = (ib.flags & DRM_FAKEGPU_IB_PREEMPT) != 0;
    packet.encode(out);
  }
  pm4::ReleaseMem fence;
  fence.data_select = pm4::ReleaseMem::Data::k64;
  fence.interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite;
  fence.address = frame.writeback;
  fence.data = frame.emission;
  fence.encode(out);
  // The length of the body is known only now (amdgpu's patch_cond_exec).
  out[condition_at + 4] = static_cast<uint32_t>(out.size() - body);
}

void encode_sdma_frame(const Frame& frame, Words& out) {
  if (frame.flush) {
    for (const RegisterWrite& write : FlushWrites(frame).writes)
      sdma::SrbmWrite{write.offset / 4, write.value}.encode(out);
    sdma::PollRegMem done;
    done.memory = false;
    done.address = reg::kVmInvalidate / 4;
    done.mask = 1u << frame.vmid;
    done.encode(out);
  }

  const size_t condition_at = out.size();
  sdma::CondExec condition;
  condition.address = frame.condition;
  condition.encode(out);
  const size_t body = out.size();
  for (const drm_fakegpu_ib& ib : frame.ibs) {
    sdma::Indirect packet;
    packet.address = ib.va;
    packet.dwords = ib.dwords;
    packet.vmid = static_cast<uint8_t>(frame.vmid);
    packet.encode(out);
  }
  // Low half first: a reader between the two sees a value that is too small, never too large.
  sdma::Fence{frame.writeback, static_cast<uint32_t>(frame.emission)}.encode(out);
  sdma::Fence{frame.writeback + 4, static_cast<uint32_t>(frame.emission >> 32)}.encode(out);
  sdma::Trap{}.encode(out);
  out[condition_at + 4] = static_cast<uint32_t>(out.size() - body);
}

void encode_pm4_test(hw::PhysAddr address, uint32_t value, Words& out) {
  pm4::WriteData packet;
  packet.address = address;
  packet.confirm = true;
  packet.data = {&value, 1};
  packet.encode(out);
}

void encode_sdma_test(hw::PhysAddr address, uint32_t value, Words& out) {
  sdma::WriteLinear packet;
  packet.destination = address;
  packet.data = {&value, 1};
  packet.encode(out);
}

}  // namespace fakegpu::drv
