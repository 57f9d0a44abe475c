// SPDX-License-Identifier: MIT
#include "packets/sdma_data.h"

#include <algorithm>

#include "atomic.h"
#include "fields.h"
#include "sdma_header.h"

namespace fakegpu::packets::sdma {

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
  out.push_back(header_of(kOpcode) | uint32_t{loop} << 16 |
                place(static_cast<uint32_t>(op), 25, 7));
  encode_atomic_operands(*this, out);
}

std::optional<AtomicMem> AtomicMem::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0xfe010000, 1 + kAtomicOperandDwords))
    return std::nullopt;
  return parse_atomic<AtomicMem>(bits(packet[0], 25, 7), bits(packet[0], 16, 1) != 0,
                                 packet.subspan(1));
}

std::string AtomicMem::describe() const {
  return describe_atomic(*this);
}

void Timestamp::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode, kSubOpcode), low(address), high(address)});
}

std::optional<Timestamp> Timestamp::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode, kSubOpcode), 0, 3)) return std::nullopt;
  const Timestamp stamp{.address = join(packet[1], packet[2])};
  if (!good_address(stamp.address, 8)) return std::nullopt;
  return stamp;
}

std::string Timestamp::describe() const {
  return Line(kName).hex("addr", address).take();
}

}  // namespace fakegpu::packets::sdma
