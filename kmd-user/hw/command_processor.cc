// SPDX-License-Identifier: MIT
// Decoding of PM4, and the packets that steer the command processor.
#include "command_processor.h"

#include <array>

#include "register_file.h"

namespace fakegpu::hw {

namespace pm4 = packets::pm4;

namespace {

// WAIT_REG_MEM and ATOMIC_MEM count their intervals in units of 16 GPU clocks; the clock has 1 GHz.
constexpr base::Nanos kIntervalUnit = 16;

// Looked at for every packet, and cheaper than a name.
const std::array<bool, 256> kKnownOpcodes = [] {
  std::array<bool, 256> known{};
  for (unsigned opcode = 0; opcode < known.size(); ++opcode)
    known[opcode] = !pm4::opcode_name(static_cast<uint8_t>(opcode)).empty();
  return known;
}();

}  // namespace

PacketStream::Length CommandProcessor::measure(packets::Packet start) {
  const uint32_t dword = start[0];
  if (dword >> 30 < 2) return {0, reg::kFaultBadOpcode};
  const std::optional<pm4::Header> header = pm4::parse_header(dword);
  if (!header) return {0, reg::kFaultBadPacket};
  if (header->type == 3 && !kKnownOpcodes[header->opcode]) return {0, reg::kFaultBadOpcode};
  return {header->body_dwords + 1, reg::kFaultNone};
}

bool CommandProcessor::steers(packets::Packet packet) const {
  if (packet[0] == pm4::kFiller) return true;
  switch (packet[0] >> 8 & 0xff) {
    case pm4::Nop::kOpcode:
    case pm4::CondExec::kOpcode:
    case pm4::IndirectBuffer::kOpcode:
    case pm4::SetShReg::kOpcode:
    case pm4::EventWrite::kOpcode:
      return true;
    default:
      return false;
  }
}

Outcome CommandProcessor::execute(packets::Packet packet) {
  if (packet[0] == pm4::kFiller) return Outcome::done();
  const uint8_t opcode = packet[0] >> 8 & 0xff;
  switch (opcode) {
    case pm4::Nop::kOpcode:
      return pm4::Nop::parse(packet) ? Outcome::done() : Outcome::fault(reg::kFaultBadPacket);
    case pm4::WriteData::kOpcode:
      return parse_and_run<pm4::WriteData>(packet);
    case pm4::CopyData::kOpcode:
      return parse_and_run<pm4::CopyData>(packet);
    case pm4::DmaData::kOpcode:
      return parse_and_run<pm4::DmaData>(packet);
    case pm4::AtomicMem::kOpcode:
      return parse_and_run<pm4::AtomicMem>(packet);
    case pm4::WaitRegMem::kOpcode:
      return parse_and_run<pm4::WaitRegMem>(packet);
    case pm4::CondExec::kOpcode:
      return parse_and_run<pm4::CondExec>(packet);
    case pm4::IndirectBuffer::kOpcode:
      return parse_and_run<pm4::IndirectBuffer>(packet);
    case pm4::SetShReg::kOpcode:
      return parse_and_run<pm4::SetShReg>(packet);
    case pm4::DispatchDirect::kOpcode:
      return parse_and_run<pm4::DispatchDirect>(packet);
    case pm4::EventWrite::kOpcode:
      return parse_and_run<pm4::EventWrite>(packet);
    case pm4::ReleaseMem::kOpcode:
      return parse_and_run<pm4::ReleaseMem>(packet);
    default:
      if (pm4::is_edu(opcode) && chip_.profile.edu_packets) return execute_edu(packet);
      return Outcome::fault(reg::kFaultBadOpcode);
  }
}

Outcome CommandProcessor::run(const pm4::WaitRegMem& packet) {
  if (!packet.memory && !may_read(packet.address)) return Outcome::fault(reg::kFaultBadPacket);
  poll_.begin({.function = packet.function,
               .memory = packet.memory,
               .address = packet.memory ? packet.address : packet.address * 4,
               .reference = packet.reference,
               .mask = packet.mask,
               .interval = packet.interval * kIntervalUnit},
              chip_.registers);
  return start(poll_);
}

Outcome CommandProcessor::run(const pm4::CondExec& packet) {
  const std::optional<uint32_t> value = memory_.load32(packet.address);
  if (!value) return Outcome::vm_fault();
  if (!stream_.can_skip(packet.count)) return Outcome::fault(reg::kFaultBadPacket);
  return Outcome::skip_dwords(*value == 0 ? packet.count : 0);
}

Outcome CommandProcessor::run(const pm4::IndirectBuffer& packet) {
  // There is no context save area to resume from yet.
  if (!packet.valid || packet.pre_resume) return Outcome::fault(reg::kFaultBadPacket);
  const bool in_ring = stream_.level() == 0;
  if (!in_ring && packet.vmid != 0 && packet.vmid != stream_.vmid())
    return Outcome::fault(reg::kFaultBadPacket);
  if (!packet.chain) return enter_ib(packet.address, packet.dwords, packet.vmid, packet.pre_enb);
  return in_ring ? Outcome::fault(reg::kFaultBadPacket)
                 : chain_ib(packet.address, packet.dwords, packet.pre_enb);
}

Outcome CommandProcessor::run(const pm4::SetShReg& packet) {
  uint32_t offset = packet.offset;
  for (const uint32_t value : packet.values)
    if (!sh_registers_.write(offset++, value)) return Outcome::fault(reg::kFaultBadPacket);
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::DispatchDirect& packet) {
  const Outcome begun = dispatch_.begin(packet, sh_registers_, memory_);
  return begun.kind == Outcome::Kind::kMore ? start(dispatch_) : begun;
}

// Dispatches end before the next packet starts, so there is nothing left to flush.
Outcome CommandProcessor::run(const pm4::EventWrite&) {
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::ReleaseMem& packet) {
  using Data = pm4::ReleaseMem::Data;
  if (delay_fence_) {
    set_cursor(add_time(cursor(), delay_fence_));
    delay_fence_ = 0;
    return Outcome::wait_until(cursor());
  }
  uint64_t value = packet.data;
  if (packet.data_select == Data::kTimestamp) value = static_cast<uint64_t>(now());
  if (packet.data_select != Data::kNone &&
      !write_fence(packet.address, value, packet.data_select != Data::k32))
    return Outcome::vm_fault();
  if (packet.interrupt != pm4::ReleaseMem::Interrupt::kNone)
    raise(IrqSource::kEop, packet.context_id, value);
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::AtomicMem& packet) {
  if (packet.loop) {
    swap_loop_.begin(packet.op, packet.address, packet.data, packet.compare,
                     packet.interval * kIntervalUnit);
    return start(swap_loop_);
  }
  bool swapped;
  return Outcome::of(
      atomic(*this, packet.op, packet.address, packet.data, packet.compare, &swapped));
}

}  // namespace fakegpu::hw
