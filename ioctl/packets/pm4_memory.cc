// SPDX-License-Identifier: MIT
#include "packets/pm4_memory.h"

#include <algorithm>

#include "atomic.h"
#include "fields.h"
#include "pm4_header.h"

namespace fakegpu::packets::pm4 {
namespace {

std::string_view destination_name(Destination destination) {
  switch (destination) {
    case Destination::kRegister:
      return "reg";
    case Destination::kMemorySync:
      return "mem_sync";
    case Destination::kL2:
      return "l2";
    case Destination::kMemory:
      return "mem";
  }
  return {};
}

std::string_view source_name(CopyData::Source source) {
  switch (source) {
    case CopyData::Source::kRegister:
      return "reg";
    case CopyData::Source::kMemory:
      return "mem";
    case CopyData::Source::kL2:
      return "l2";
    case CopyData::Source::kImmediate:
      return "imm";
    case CopyData::Source::kTimestamp:
      return "timestamp";
  }
  return {};
}

bool good_destination(Destination destination, uint64_t address, uint64_t alignment) {
  if (destination_name(destination).empty()) return false;
  return is_memory(destination) ? good_address(address, alignment) : good_register(address);
}

bool good_copy_source(const CopyData& copy) {
  switch (copy.source) {
    case CopyData::Source::kRegister:
      return good_register(copy.value);
    case CopyData::Source::kMemory:
    case CopyData::Source::kL2:
      return good_address(copy.value, copy.wide ? 8 : 4);
    case CopyData::Source::kImmediate:
      return copy.wide || high(copy.value) == 0;
    case CopyData::Source::kTimestamp:
      return copy.wide && copy.value == 0;
  }
  return false;
}

}  // namespace

void WriteData::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 3 + static_cast<uint32_t>(data.size())),
              place(static_cast<uint32_t>(destination), 8, 4) | uint32_t{one_address} << 16 |
                  uint32_t{confirm} << 20 | static_cast<uint32_t>(engine) << 30,
              low(address), high(address)});
  out.insert(out.end(), data.begin(), data.end());
}

std::optional<WriteData> WriteData::parse(Packet packet) {
  if (!is_packet(packet, kOpcode) || packet.size() < 5) return std::nullopt;
  const uint32_t control = packet[1];
  if ((control & ~0x40110f00u) != 0) return std::nullopt;
  const WriteData write{.destination = static_cast<Destination>(bits(control, 8, 4)),
                        .one_address = bits(control, 16, 1) != 0,
                        .confirm = bits(control, 20, 1) != 0,
                        .engine = static_cast<Engine>(bits(control, 30, 2)),
                        .address = join(packet[2], packet[3]),
                        .data = packet.subspan(4)};
  if (!good_destination(write.destination, write.address, 4)) return std::nullopt;
  return write;
}

std::string WriteData::describe() const {
  return Line(kName)
      .text("dst", destination_name(destination))
      .hex("addr", address)
      .flag("one_addr", one_address)
      .flag("confirm", confirm)
      .flag("pfp", engine == Engine::kPfp)
      .text("data", dwords_text(data))
      .take();
}

bool WriteData::operator==(const WriteData& other) const {
  return destination == other.destination && one_address == other.one_address &&
         confirm == other.confirm && engine == other.engine && address == other.address &&
         std::ranges::equal(data, other.data);
}

void CopyData::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 5),
              place(static_cast<uint32_t>(source), 0, 4) |
                  place(static_cast<uint32_t>(destination), 8, 4) | uint32_t{wide} << 16 |
                  uint32_t{confirm} << 20 | static_cast<uint32_t>(engine) << 30,
              low(value), high(value), low(address), high(address)});
}

std::optional<CopyData> CopyData::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 5)) return std::nullopt;
  const uint32_t control = packet[1];
  if ((control & ~0x40110f0fu) != 0) return std::nullopt;
  const CopyData copy{.source = static_cast<Source>(bits(control, 0, 4)),
                      .destination = static_cast<Destination>(bits(control, 8, 4)),
                      .wide = bits(control, 16, 1) != 0,
                      .confirm = bits(control, 20, 1) != 0,
                      .engine = static_cast<Engine>(bits(control, 30, 2)),
                      .value = join(packet[2], packet[3]),
                      .address = join(packet[4], packet[5])};
  if (!good_copy_source(copy) ||
      !good_destination(copy.destination, copy.address, copy.wide ? 8 : 4))
    return std::nullopt;
  return copy;
}

std::string CopyData::describe() const {
  return Line(kName)
      .text("src", source_name(source))
      .hex("value", value)
      .text("dst", destination_name(destination))
      .hex("addr", address)
      .dec("bits", wide ? 64 : 32)
      .flag("confirm", confirm)
      .flag("pfp", engine == Engine::kPfp)
      .take();
}

void DmaData::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 6),
              static_cast<uint32_t>(engine) | place(static_cast<uint32_t>(target), 20, 2) |
                  place(static_cast<uint32_t>(source), 29, 2) | uint32_t{sync} << 31,
              low(source_address), high(source_address), low(address), high(address),
              place(bytes, 0, 26) | uint32_t{raw_wait} << 30});
}

std::optional<DmaData> DmaData::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 6)) return std::nullopt;
  const uint32_t control = packet[1];
  const uint32_t command = packet[6];
  if ((control & ~0xe0300001u) != 0 || (command & ~0x43ffffffu) != 0) return std::nullopt;
  const DmaData dma{.source = static_cast<Source>(bits(control, 29, 2)),
                    .target = static_cast<Target>(bits(control, 20, 2)),
                    .engine = static_cast<Engine>(bits(control, 0, 1)),
                    .sync = bits(control, 31, 1) != 0,
                    .raw_wait = bits(command, 30, 1) != 0,
                    .source_address = join(packet[2], packet[3]),
                    .address = join(packet[4], packet[5]),
                    .bytes = bits(command, 0, 26)};
  if (bits(control, 29, 2) == 1 || dma.bytes == 0) return std::nullopt;
  if (dma.target != Target::kMemory && dma.target != Target::kL2) return std::nullopt;
  const bool fill = dma.source == Source::kData;
  if (!good_address(dma.address, fill ? 4 : 1)) return std::nullopt;
  if (fill ? high(dma.source_address) != 0 || dma.bytes % 4 != 0
           : !good_address(dma.source_address, 1))
    return std::nullopt;
  return dma;
}

std::string DmaData::describe() const {
  return Line(kName)
      .hex(source == Source::kData ? "data"
           : source == Source::kL2 ? "src_l2"
                                   : "src",
           source_address)
      .hex(target == Target::kL2 ? "dst_l2" : "dst", address)
      .dec("bytes", bytes)
      .flag("sync", sync)
      .flag("raw_wait", raw_wait)
      .flag("pfp", engine == Engine::kPfp)
      .take();
}

void AtomicMem::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 1 + kAtomicOperandDwords),
                         place(static_cast<uint32_t>(op), 0, 7) | uint32_t{loop} << 8});
  encode_atomic_operands(*this, out);
}

std::optional<AtomicMem> AtomicMem::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 1 + kAtomicOperandDwords)) return std::nullopt;
  if ((packet[1] & ~0x17fu) != 0) return std::nullopt;
  return parse_atomic<AtomicMem>(bits(packet[1], 0, 7), bits(packet[1], 8, 1) != 0,
                                 packet.subspan(2));
}

std::string AtomicMem::describe() const {
  return describe_atomic(*this);
}

}  // namespace fakegpu::packets::pm4
