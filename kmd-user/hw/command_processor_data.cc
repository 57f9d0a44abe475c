// SPDX-License-Identifier: MIT
// The PM4 packets that move data, and those for teaching and tests.
#include "command_processor.h"
#include "register_file.h"

namespace fakegpu::hw {

namespace pm4 = packets::pm4;

// The kernel may read all registers, a client the timestamp.
bool CommandProcessor::may_read(uint64_t reg) const {
  return privileged() || reg * 4 == reg::kTimestampLo || reg * 4 == reg::kTimestampHi;
}

Outcome CommandProcessor::store(pm4::Destination destination, uint64_t address, uint64_t value,
                                bool wide) {
  if (pm4::is_memory(destination))
    return Outcome::of(wide ? memory_.store64(address, value)
                            : memory_.store32(address, static_cast<uint32_t>(value)));
  if (!privileged()) return Outcome::fault(reg::kFaultBadPacket);
  const uint32_t offset = static_cast<uint32_t>(address) * 4;
  chip_.registers.write(offset, static_cast<uint32_t>(value));
  if (wide) chip_.registers.write(offset + 4, static_cast<uint32_t>(value >> 32));
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::WriteData& packet) {
  const packets::Packet data = packet.data;
  const bool memory = pm4::is_memory(packet.destination);
  // One or two dwords may be a fence or a flag: in one piece if the alignment lets it.
  if (memory && !packet.one_address) {
    if (data.size() == 1) return store(packet.destination, packet.address, data[0], false);
    if (data.size() == 2 && packet.address % 8 == 0)
      return store(packet.destination, packet.address, data[0] | uint64_t{data[1]} << 32, true);
    if (data.size() > 2) return Outcome::of(memory_.write(packet.address, std::as_bytes(data)));
  }
  const uint64_t unit = memory ? 4 : 1;  // registers are addressed in dwords
  uint64_t address = packet.address;
  for (const uint32_t value : data) {
    const Outcome stored = store(packet.destination, address, value, false);
    if (stored.kind != Outcome::Kind::kDone) return stored;
    if (!packet.one_address) address += unit;
  }
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::CopyData& packet) {
  using Source = pm4::CopyData::Source;
  std::optional<uint64_t> value;
  switch (packet.source) {
    case Source::kRegister: {
      if (!may_read(packet.value) || (packet.wide && !may_read(packet.value + 1)))
        return Outcome::fault(reg::kFaultBadPacket);
      const uint32_t offset = static_cast<uint32_t>(packet.value) * 4;
      value = chip_.registers.read(offset);
      if (packet.wide) *value |= static_cast<uint64_t>(chip_.registers.read(offset + 4)) << 32;
      break;
    }
    case Source::kMemory:
    case Source::kL2:
      if (packet.wide) {
        value = memory_.load64(packet.value);
      } else {
        value = memory_.load32(packet.value);
      }
      break;
    case Source::kImmediate:
      value = packet.value;
      break;
    case Source::kTimestamp:
      value = static_cast<uint64_t>(now());
      break;
  }
  if (!value) return Outcome::vm_fault();
  return store(packet.destination, packet.address, *value, packet.wide);
}

Outcome CommandProcessor::run(const pm4::DmaData& packet) {
  if (packet.source == pm4::DmaData::Source::kData) {
    fill_.begin(packet.address, static_cast<uint32_t>(packet.source_address), packet.bytes);
    return start(fill_);
  }
  copy_.begin(packet.source_address, packet.address, packet.bytes, true);
  return start(copy_);
}

Outcome CommandProcessor::execute_edu(packets::Packet packet) {
  switch (packet[0] >> 8 & 0xff) {
    case pm4::Work::kOpcode:
      return parse_and_run<pm4::Work>(packet);
    case pm4::Hang::kOpcode:
      return parse_and_run<pm4::Hang>(packet);
    case pm4::Fault::kOpcode:
      return parse_and_run<pm4::Fault>(packet);
    case pm4::Mark::kOpcode:
      return parse_and_run<pm4::Mark>(packet);
    case pm4::Hash::kOpcode:
      return parse_and_run<pm4::Hash>(packet);
    default:
      return Outcome::fault(reg::kFaultBadOpcode);
  }
}

Outcome CommandProcessor::run(const pm4::Work& packet) {
  now();
  work_.begin(packet, cursor());
  return start(work_);
}

Outcome CommandProcessor::run(const pm4::Hang& packet) {
  now();
  hang_.begin(packet.mode, add_time(cursor(), packet.argument));
  return start(hang_);
}

// What the chip has no registers for yet is refused: RAS errors and poison (no counters), corrupt
// save areas (no preemption).
Outcome CommandProcessor::run(const pm4::Fault& packet) {
  using Kind = pm4::Fault::Kind;
  switch (packet.kind) {
    case Kind::kPageFault:
      memory_.set_fault(packet.argument, Access::kRead, reg::kFaultVmInvalid);
      return Outcome::vm_fault();
    case Kind::kBadOpcode:
      stream_.report_as(pm4::type3(static_cast<uint8_t>(packet.argument), 1));
      return Outcome::fault(reg::kFaultBadOpcode);
    case Kind::kLoseInterrupt:
      lose_interrupt_ = true;
      return Outcome::done();
    case Kind::kDelayFence:
      delay_fence_ = packet.argument;
      return Outcome::done();
    case Kind::kRepeatFence:
      repeat_interrupt_ = true;
      return Outcome::done();
    default:
      return Outcome::fault(reg::kFaultBadPacket);
  }
}

Outcome CommandProcessor::run(const pm4::Mark& packet) {
  if (chip_.tracer.enabled())
    chip_.tracer.emit("gpu_mark", {{"ring", ring_}, {"vmid", stream_.vmid()}, {"id", packet.id}});
  return Outcome::done();
}

Outcome CommandProcessor::run(const pm4::Hash& packet) {
  hash_.begin(packet);
  return start(hash_);
}

}  // namespace fakegpu::hw
