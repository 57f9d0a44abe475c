// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "packets/pm4.h"

namespace fakegpu::packets::pm4 {

// Whether `packet` is a whole type 3 packet of this opcode, as long as its header says,
// unpredicated and with this shader type.
bool is_packet(Packet packet, uint8_t opcode, bool compute = false);

// The same, for packets of one fixed length.
inline bool is_packet_of(Packet packet, uint8_t opcode, uint32_t body_dwords,
                         bool compute = false) {
  return packet.size() == body_dwords + 1 && packet[0] == type3(opcode, body_dwords, compute);
}

}  // namespace fakegpu::packets::pm4
