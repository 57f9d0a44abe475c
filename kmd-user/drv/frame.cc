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

// What differs between the two kinds of engine: their packets.
struct Pm4 {
  using PollRegister = pm4::WaitRegMem;
  using CondExec = pm4::CondExec;

  static void write_register(const RegisterWrite& write, Words& out) {
    pm4::WriteData packet;
    packet.destination = pm4::Destination::kRegister;
    packet.address = write.offset / 4;
    packet.data = {&write.value, 1};
    packet.encode(out);
  }

  static void call_ib(const drm_fakegpu_ib& ib, unsigned vmid, Words& out) {
    pm4::IndirectBuffer packet;
    packet.address = ib.va;
    packet.dwords = ib.dwords;
    packet.vmid = static_cast<uint8_t>(vmid);
    packet.pre_enb = (ib.flags & DRM_FAKEGPU_IB_PREEMPT) != 0;
    packet.encode(out);
  }

  static void signal(hw::PhysAddr address, uint64_t value, Words& out) {
    pm4::ReleaseMem fence;
    fence.data_select = pm4::ReleaseMem::Data::k64;
    fence.interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite;
    fence.address = address;
    fence.data = value;
    fence.encode(out);
  }
};

struct Sdma {
  using PollRegister = sdma::PollRegMem;
  using CondExec = sdma::CondExec;

  static void write_register(const RegisterWrite& write, Words& out) {
    sdma::SrbmWrite{write.offset / 4, write.value}.encode(out);
  }

  static void call_ib(const drm_fakegpu_ib& ib, unsigned vmid, Words& out) {
    sdma::Indirect packet;
    packet.address = ib.va;
    packet.dwords = ib.dwords;
    packet.vmid = static_cast<uint8_t>(vmid);
    packet.encode(out);
  }

  // Low half first: a reader between the two sees a value that is too small, never too large.
  static void signal(hw::PhysAddr address, uint64_t value, Words& out) {
    sdma::Fence{address, static_cast<uint32_t>(value)}.encode(out);
    sdma::Fence{address + 4, static_cast<uint32_t>(value >> 32)}.encode(out);
    sdma::Trap{}.encode(out);
  }
};

// Loads the VMID's page table, then drops what it cached of the one before.
template <typename Engine>
void encode_flush(const Frame& frame, Words& out) {
  const RegisterWrite writes[] = {
      {reg::kVmContextBaseLo + 8 * frame.vmid,
       static_cast<uint32_t>(frame.page_table) | reg::kVmValid},
      {reg::kVmContextBaseHi + 8 * frame.vmid, static_cast<uint32_t>(frame.page_table >> 32)},
      {reg::kVmInvalidate, 1u << frame.vmid}};
  for (const RegisterWrite& write : writes) Engine::write_register(write, out);
  typename Engine::PollRegister done;
  done.memory = false;
  done.address = reg::kVmInvalidate / 4;
  done.mask = 1u << frame.vmid;
  done.encode(out);
}

template <typename Engine>
void encode_frame(const Frame& frame, Words& out) {
  if (frame.flush) encode_flush<Engine>(frame, out);
  const size_t condition_at = out.size();
  typename Engine::CondExec condition;
  condition.address = frame.condition;
  condition.encode(out);
  const size_t body = out.size();
  for (const drm_fakegpu_ib& ib : frame.ibs) Engine::call_ib(ib, frame.vmid, out);
  Engine::signal(frame.writeback, frame.emission, out);
  // The length of the body is known only now (amdgpu's patch_cond_exec).
  out[condition_at + 4] = static_cast<uint32_t>(out.size() - body);
}

}  // namespace

void encode_pm4_frame(const Frame& frame, Words& out) {
  encode_frame<Pm4>(frame, out);
}

void encode_sdma_frame(const Frame& frame, Words& out) {
  encode_frame<Sdma>(frame, out);
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
