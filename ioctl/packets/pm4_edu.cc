// SPDX-License-Identifier: MIT
#include "packets/pm4_edu.h"

#include "fields.h"
#include "pm4_header.h"

namespace fakegpu::packets::pm4 {
namespace {

std::string_view mode_name(Hang::Mode mode) {
  switch (mode) {
    case Hang::Mode::kWave:
      return "wave";
    case Hang::Mode::kProcessor:
      return "processor";
    case Hang::Mode::kIgnorePreempt:
      return "ignore_preempt";
    case Hang::Mode::kIgnoreQueueReset:
      return "ignore_queue_reset";
    case Hang::Mode::kSurviveSoftReset:
      return "survive_soft_reset";
    case Hang::Mode::kTimed:
      return "timed";
  }
  return {};
}

std::string_view kind_name(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::kPageFault:
      return "page_fault";
    case Fault::Kind::kBadOpcode:
      return "bad_opcode";
    case Fault::Kind::kCorrectedError:
      return "corrected_error";
    case Fault::Kind::kUncorrectedError:
      return "uncorrected_error";
    case Fault::Kind::kPoison:
      return "poison";
    case Fault::Kind::kLoseInterrupt:
      return "lose_interrupt";
    case Fault::Kind::kDelayFence:
      return "delay_fence";
    case Fault::Kind::kRepeatFence:
      return "repeat_fence";
    case Fault::Kind::kCorruptSaveArea:
      return "corrupt_save_area";
  }
  return {};
}

bool good_argument(Fault::Kind kind, uint64_t argument) {
  switch (kind) {
    case Fault::Kind::kPageFault:
      return good_address(argument, 1);
    case Fault::Kind::kBadOpcode:
      return argument <= 0xff;
    case Fault::Kind::kDelayFence:
      return true;
    default:
      return argument == 0;
  }
}

}  // namespace

void Work::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 5), units, unit_ns, flags, low(progress_address),
                         high(progress_address)});
}

std::optional<Work> Work::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 5)) return std::nullopt;
  const Work work{.units = packet[1],
                  .unit_ns = packet[2],
                  .flags = packet[3],
                  .progress_address = join(packet[4], packet[5])};
  if ((work.flags & ~kPreemptAtUnit) != 0 || !good_address(work.progress_address, 4))
    return std::nullopt;
  return work;
}

std::string Work::describe() const {
  Line line(kName);
  line.dec("units", units).dec("unit_ns", unit_ns).flag("preempt", (flags & kPreemptAtUnit) != 0);
  if (progress_address != 0) line.hex("progress", progress_address);
  return line.take();
}

void Hang::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 3), static_cast<uint32_t>(mode), low(argument), high(argument)});
}

std::optional<Hang> Hang::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 3) || packet[1] > 0xff) return std::nullopt;
  const Hang hang{.mode = static_cast<Mode>(packet[1]), .argument = join(packet[2], packet[3])};
  if (mode_name(hang.mode).empty()) return std::nullopt;
  if (hang.mode != Mode::kTimed && hang.argument != 0) return std::nullopt;
  return hang;
}

std::string Hang::describe() const {
  Line line(kName);
  line.text("mode", mode_name(mode));
  if (mode == Mode::kTimed) line.dec("ns", argument);
  return line.take();
}

void Fault::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 3), static_cast<uint32_t>(kind), low(argument), high(argument)});
}

std::optional<Fault> Fault::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 3) || packet[1] > 0xff) return std::nullopt;
  const Fault fault{.kind = static_cast<Kind>(packet[1]), .argument = join(packet[2], packet[3])};
  if (kind_name(fault.kind).empty() || !good_argument(fault.kind, fault.argument))
    return std::nullopt;
  return fault;
}

std::string Fault::describe() const {
  Line line(kName);
  line.text("kind", kind_name(kind));
  if (argument != 0) line.hex("arg", argument);
  return line.take();
}

void Mark::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 1), id});
}

std::optional<Mark> Mark::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 1)) return std::nullopt;
  return Mark{.id = packet[1]};
}

std::string Mark::describe() const {
  return Line(kName).hex("id", id).take();
}

void Hash::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 5), low(address), high(address), bytes, low(destination),
                         high(destination)});
}

std::optional<Hash> Hash::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 5)) return std::nullopt;
  const Hash hash{.address = join(packet[1], packet[2]),
                  .bytes = packet[3],
                  .destination = join(packet[4], packet[5])};
  if (!good_address(hash.address, 1) || !good_address(hash.destination, 8)) return std::nullopt;
  return hash;
}

std::string Hash::describe() const {
  return Line(kName).hex("addr", address).dec("bytes", bytes).hex("dst", destination).take();
}

}  // namespace fakegpu::packets::pm4
