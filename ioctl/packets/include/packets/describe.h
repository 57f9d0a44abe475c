// SPDX-License-Identifier: MIT
// Command streams as text: "0x0004: WRITE_DATA dst=memory addr=0x10000 data=[0x1]", one line per
// packet, the dword offset first.
#pragma once

#include <string>

#include "packets/stream.h"

namespace fakegpu::packets {

// The packet that these dwords begin with, without offset. A bad one: "malformed WRITE_DATA
// [0xc0033700, ...]", "unknown opcode 0x99 [...]" or "cut short: ...", with at most eight of its
// dwords.
std::string describe_pm4_packet(Packet words);
std::string describe_sdma_packet(Packet words);

// A whole IB. Where a length cannot be told (bad header, or one that points past the end), one line
// says so and the rest is left out, as the command processor stops there too.
std::string describe_pm4(Packet ib);
std::string describe_sdma(Packet ib);

}  // namespace fakegpu::packets
