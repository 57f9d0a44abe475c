// SPDX-License-Identifier: MIT
#include "sdma_engine.h"

#include "register_file.h"

namespace fakegpu::hw {

namespace sdma = packets::sdma;

PacketStream::Length SdmaEngine::measure(packets::Packet start) {
  const std::optional<uint32_t> dwords = sdma::packet_dwords(start);
  if (dwords) return {*dwords, reg::kFaultNone};
  // It may only be too few dwords to tell, unless there is no such op.
  const bool known = !sdma::opcode_name(start[0] & 0xff).empty();
  return {0, known ? reg::kFaultBadPacket : reg::kFaultBadOpcode};
}

bool SdmaEngine::steers(packets::Packet packet) const {
  const uint8_t opcode = packet[0] & 0xff;
  return opcode == sdma::Nop::kOpcode || opcode == sdma::CondExec::kOpcode ||
         opcode == sdma::Indirect::kOpcode;
}

Outcome SdmaEngine::execute(packets::Packet packet) {
  switch (packet[0] & 0xff) {
    case sdma::Nop::kOpcode:
      return parse_and_run<sdma::Nop>(packet);
    case sdma::CopyLinear::kOpcode:
      return parse_and_run<sdma::CopyLinear>(packet);
    case sdma::WriteLinear::kOpcode:
      return parse_and_run<sdma::WriteLinear>(packet);
    case sdma::Indirect::kOpcode:
      return parse_and_run<sdma::Indirect>(packet);
    case sdma::Fence::kOpcode:
      return parse_and_run<sdma::Fence>(packet);
    case sdma::Trap::kOpcode:
      return parse_and_run<sdma::Trap>(packet);
    case sdma::PollRegMem::kOpcode:
      return parse_and_run<sdma::PollRegMem>(packet);
    case sdma::CondExec::kOpcode:
      return parse_and_run<sdma::CondExec>(packet);
    case sdma::AtomicMem::kOpcode:
      return parse_and_run<sdma::AtomicMem>(packet);
    case sdma::ConstFill::kOpcode:
      return parse_and_run<sdma::ConstFill>(packet);
    case sdma::Timestamp::kOpcode:
      return parse_and_run<sdma::Timestamp>(packet);
    case sdma::SrbmWrite::kOpcode:
      return parse_and_run<sdma::SrbmWrite>(packet);
    case sdma::Work::kOpcode:
      if (chip_.profile.edu_packets) return parse_and_run<sdma::Work>(packet);
      return Outcome::fault(reg::kFaultBadOpcode);
    default:
      return Outcome::fault(reg::kFaultBadOpcode);
  }
}

Outcome SdmaEngine::run(const sdma::CopyLinear& packet) {
  copy_.begin(packet.source, packet.destination, packet.bytes, false);
  return start(copy_);
}

Outcome SdmaEngine::run(const sdma::WriteLinear& packet) {
  if (packet.data.size() == 1)
    return Outcome::of(memory_.store32(packet.destination, packet.data[0]));
  if (packet.data.size() == 2 && packet.destination % 8 == 0)
    return Outcome::of(
        memory_.store64(packet.destination, packet.data[0] | uint64_t{packet.data[1]} << 32));
  charge_bytes(packet.data.size_bytes());
  return Outcome::of(memory_.write(packet.destination, std::as_bytes(packet.data)));
}

// The save area is for preemption only; the chip reads nothing from it.
Outcome SdmaEngine::run(const sdma::Indirect& packet) {
  if (stream_.level() != 0) return Outcome::fault(reg::kFaultIbNesting);
  return enter_ib(packet.address, packet.dwords, packet.vmid, packet.save_area != 0);
}

Outcome SdmaEngine::run(const sdma::Fence& packet) {
  return Outcome::of(write_fence(packet.address, packet.data, false));
}

Outcome SdmaEngine::run(const sdma::Trap& packet) {
  raise(IrqSource::kSdmaTrap, packet.context_id, packet.context_id);
  return Outcome::done();
}

Outcome SdmaEngine::run(const sdma::PollRegMem& packet) {
  const uint64_t offset = packet.address * 4;
  if (!packet.memory && !privileged() && offset != reg::kTimestampLo && offset != reg::kTimestampHi)
    return Outcome::fault(reg::kFaultBadPacket);
  const bool forever = packet.retries == sdma::PollRegMem::kRetryForever;
  poll_.begin({.function = packet.function,
               .memory = packet.memory,
               .address = packet.memory ? packet.address : offset,
               .reference = packet.reference,
               .mask = packet.mask,
               .interval = packet.interval,
               .retries = forever ? PollOperation::kForever : packet.retries},
              chip_.registers);
  return start(poll_);
}

Outcome SdmaEngine::run(const sdma::CondExec& packet) {
  const std::optional<uint32_t> value = memory_.load32(packet.address);
  if (!value) return Outcome::vm_fault();
  if (!stream_.can_skip(packet.count)) return Outcome::fault(reg::kFaultBadPacket);
  return Outcome::skip_dwords(*value == packet.reference ? 0 : packet.count);
}

Outcome SdmaEngine::run(const sdma::AtomicMem& packet) {
  if (packet.loop) {
    swap_loop_.begin(packet.op, packet.address, packet.data, packet.compare, packet.interval);
    return start(swap_loop_);
  }
  bool swapped;
  return Outcome::of(
      atomic(*this, packet.op, packet.address, packet.data, packet.compare, &swapped));
}

Outcome SdmaEngine::run(const sdma::ConstFill& packet) {
  fill_.begin(packet.destination, packet.data, packet.bytes);
  return start(fill_);
}

Outcome SdmaEngine::run(const sdma::Timestamp& packet) {
  return Outcome::of(memory_.store64(packet.address, static_cast<uint64_t>(now())));
}

Outcome SdmaEngine::run(const sdma::SrbmWrite& packet) {
  if (!privileged()) return Outcome::fault(reg::kFaultBadPacket);
  chip_.registers.write(packet.reg * 4, packet.data);
  return Outcome::done();
}

Outcome SdmaEngine::run(const sdma::Work& packet) {
  now();
  work_.begin(packet, cursor());
  return start(work_);
}

}  // namespace fakegpu::hw
