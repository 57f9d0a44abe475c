// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "packets/stream.h"

namespace fakegpu::packets::sdma {

constexpr uint32_t header_of(uint8_t opcode, uint8_t sub_opcode = 0) {
  return uint32_t{opcode} | uint32_t{sub_opcode} << 8;
}

// Whether the packet has this length and header; field_mask: the header bits that are fields.
inline bool is_packet(Packet packet, uint32_t header, uint32_t field_mask, size_t dwords) {
  return packet.size() == dwords && (packet[0] & ~field_mask) == header;
}

}  // namespace fakegpu::packets::sdma
