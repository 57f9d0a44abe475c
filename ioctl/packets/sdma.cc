// SPDX-License-Identifier: MIT
#include "packets/sdma.h"

#include <algorithm>

#include "fields.h"
#include "sdma_header.h"

namespace fakegpu::packets::sdma {
std::optional<uint32_t> packet_dwords(Packet at) {
  if (at.empty()) return std::nullopt;
  const uint32_t sub_opcode = bits(at[0], 8, 8);
  const uint32_t expected = bits(at[0], 0, 8) == Timestamp::kOpcode ? Timestamp::kSubOpcode : 0;
  if (sub_opcode != expected) return std::nullopt;
  switch (bits(at[0], 0, 8)) {
    case Nop::kOpcode:
      return 1 + bits(at[0], 16, 14);
    case CopyLinear::kOpcode:
      return 7;
    case WriteLinear::kOpcode:
      if (at.size() < 4) return std::nullopt;
      return 4 + bits(at[3], 0, 20) + 1;
    case Indirect::kOpcode:
      return 6;
    case Fence::kOpcode:
      return 4;
    case Trap::kOpcode:
      return 2;
    case PollRegMem::kOpcode:
      return 6;
    case CondExec::kOpcode:
      return 5;
    case AtomicMem::kOpcode:
      return 8;
    case ConstFill::kOpcode:
      return 5;
    case Timestamp::kOpcode:
      return 3;
    case SrbmWrite::kOpcode:
      return 3;
  }
  return std::nullopt;
}

std::string_view opcode_name(uint8_t opcode) {
  switch (opcode) {
    case Nop::kOpcode:
      return Nop::kName;
    case CopyLinear::kOpcode:
      return CopyLinear::kName;
    case WriteLinear::kOpcode:
      return WriteLinear::kName;
    case Indirect::kOpcode:
      return Indirect::kName;
    case Fence::kOpcode:
      return Fence::kName;
    case Trap::kOpcode:
      return Trap::kName;
    case PollRegMem::kOpcode:
      return PollRegMem::kName;
    case CondExec::kOpcode:
      return CondExec::kName;
    case AtomicMem::kOpcode:
      return AtomicMem::kName;
    case ConstFill::kOpcode:
      return ConstFill::kName;
    case Timestamp::kOpcode:
      return Timestamp::kName;
    case SrbmWrite::kOpcode:
      return SrbmWrite::kName;
  }
  return {};
}

void Nop::encode(Words& out) const {
  out.push_back(header_of(kOpcode) | place(static_cast<uint32_t>(payload.size()), 16, 14));
  out.insert(out.end(), payload.begin(), payload.end());
}

std::optional<Nop> Nop::parse(Packet packet) {
  if (packet.empty() || !is_packet(packet, header_of(kOpcode), 0x3fff0000, packet.size()))
    return std::nullopt;
  if (packet.size() != bits(packet[0], 16, 14) + 1) return std::nullopt;
  return Nop{.payload = packet.subspan(1)};
}

std::string Nop::describe() const {
  return Line(kName).dec("dwords", payload.size() + 1).take();
}

bool Nop::operator==(const Nop& other) const {
  return std::ranges::equal(payload, other.payload);
}

void CopyLinear::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode, kSubOpcode), place(bytes - 1, 0, 22), 0, low(source),
                         high(source), low(destination), high(destination)});
}

std::optional<CopyLinear> CopyLinear::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode, kSubOpcode), 0, 7)) return std::nullopt;
  if (packet[1] >= kMaxBytes || packet[2] != 0) return std::nullopt;
  const CopyLinear copy{.source = join(packet[3], packet[4]),
                        .destination = join(packet[5], packet[6]),
                        .bytes = packet[1] + 1};
  if (!good_address(copy.source, 1) || !good_address(copy.destination, 1)) return std::nullopt;
  return copy;
}

std::string CopyLinear::describe() const {
  return Line(kName).hex("src", source).hex("dst", destination).dec("bytes", bytes).take();
}

void WriteLinear::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode, kSubOpcode), low(destination), high(destination),
                         place(static_cast<uint32_t>(data.size()) - 1, 0, 20)});
  out.insert(out.end(), data.begin(), data.end());
}

std::optional<WriteLinear> WriteLinear::parse(Packet packet) {
  if (packet.size() < 5 || !is_packet(packet, header_of(kOpcode, kSubOpcode), 0, packet.size()))
    return std::nullopt;
  if (packet[3] >= kMaxData || packet.size() != size_t{packet[3]} + 5) return std::nullopt;
  const WriteLinear write{.destination = join(packet[1], packet[2]), .data = packet.subspan(4)};
  if (!good_address(write.destination, 4)) return std::nullopt;
  return write;
}

std::string WriteLinear::describe() const {
  return Line(kName).hex("dst", destination).text("data", dwords_text(data)).take();
}

bool WriteLinear::operator==(const WriteLinear& other) const {
  return destination == other.destination && std::ranges::equal(data, other.data);
}

void Indirect::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode) | place(vmid, 16, 4), low(address), high(address),
                         place(dwords, 0, 20), low(save_area), high(save_area)});
}

std::optional<Indirect> Indirect::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0xf0000, 6)) return std::nullopt;
  const Indirect ib{.vmid = static_cast<uint8_t>(bits(packet[0], 16, 4)),
                    .address = join(packet[1], packet[2]),
                    .dwords = packet[3],
                    .save_area = join(packet[4], packet[5])};
  if (ib.dwords == 0 || ib.dwords > kMaxDwords) return std::nullopt;
  if (!good_address(ib.address, 32) || !good_address(ib.save_area, 4)) return std::nullopt;
  return ib;
}

std::string Indirect::describe() const {
  Line line(kName);
  line.hex("addr", address).dec("dwords", dwords).dec("vmid", vmid);
  if (save_area != 0) line.hex("csa", save_area);
  return line.take();
}

void ConstFill::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode) | 2u << 30, low(destination), high(destination), data,
                         place(bytes - 1, 0, 22)});
}

std::optional<ConstFill> ConstFill::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode) | 2u << 30, 0, 5)) return std::nullopt;
  if (packet[4] >= kMaxBytes || packet[4] % 4 != 3) return std::nullopt;
  const ConstFill fill{
      .destination = join(packet[1], packet[2]), .data = packet[3], .bytes = packet[4] + 1};
  if (!good_address(fill.destination, 4)) return std::nullopt;
  return fill;
}

std::string ConstFill::describe() const {
  return Line(kName).hex("dst", destination).hex("data", data).dec("bytes", bytes).take();
}

void AtomicMem::encode(Words& out) const {
  out.insert(out.end(),
             {header_of(kOpcode) | uint32_t{loop} << 16 | place(static_cast<uint32_t>(op), 25, 7),
              low(address), high(address), low(data), high(data), low(compare), high(compare),
              place(interval, 0, 13)});
}

std::optional<AtomicMem> AtomicMem::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0xfe010000, 8)) return std::nullopt;
  if ((packet[7] & ~0x1fffu) != 0) return std::nullopt;
  const AtomicMem atomic{.op = static_cast<AtomicOp>(bits(packet[0], 25, 7)),
                         .loop = bits(packet[0], 16, 1) != 0,
                         .address = join(packet[1], packet[2]),
                         .data = join(packet[3], packet[4]),
                         .compare = join(packet[5], packet[6]),
                         .interval = static_cast<uint16_t>(packet[7])};
  if (!good_atomic(atomic.op, atomic.loop, atomic.address, atomic.data, atomic.compare,
                   atomic.interval))
    return std::nullopt;
  return atomic;
}

std::string AtomicMem::describe() const {
  Line line(kName);
  line.text("op", atomic_name(op)).hex("addr", address).hex("data", data);
  if (is_compare_swap(op)) line.hex("compare", compare);
  if (loop) line.flag("loop", true).dec("interval", interval);
  return line.take();
}

}  // namespace fakegpu::packets::sdma
