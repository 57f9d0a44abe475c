// SPDX-License-Identifier: MIT
// PM4 type 3, the packets of the gfx and compute rings. Opcodes and field positions are those of
// amdgpu's nvd.h (GFX10). What all packet types share: stream.h. The types themselves:
// pm4_memory.h, pm4_control.h and pm4_edu.h; this header has the dword that starts each of them.
//
//   [31:30] type: 3; 2 is a one-dword filler; 0 and 1 are refused
//   [29:16] body dwords - 1; for NOP all-ones means a NOP without a body
//   [15:8]  opcode
//   [7:2]   reserved, 0
//   [1]     shader type: 1 in SET_SH_REG and DISPATCH_DIRECT, 0 in all others
//   [0]     predicate: no packet here takes it
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::pm4 {

inline constexpr uint32_t kMaxBodyDwords = 0x4000;
inline constexpr uint32_t kMaxNopBodyDwords = 0x3fff;
inline constexpr uint32_t kFiller = 0x80000000;  // the type 2 packet: skipped, one dword

struct Header {
  uint8_t type;          // 2 or 3
  uint8_t opcode;        // 0 for type 2
  uint32_t body_dwords;  // 0 for type 2 and the NOP without a body; else 1 to kMaxBodyDwords
  bool predicate;
  bool compute;
};

// body_dwords: 1 to kMaxBodyDwords; 0 only for NOP.
constexpr uint32_t type3(uint8_t opcode, uint32_t body_dwords, bool compute = false) {
  return 3u << 30 | ((body_dwords - 1) & 0x3fff) << 16 | uint32_t{opcode} << 8 |
         uint32_t{compute} << 1;
}

// nullopt: type 0 or 1, a reserved bit, or a type 2 that is not kFiller. The opcode is not checked.
constexpr std::optional<Header> parse_header(uint32_t dword);

// The public name of an opcode of this module; empty if it is not one.
std::string_view opcode_name(uint8_t opcode);

}  // namespace fakegpu::packets::pm4

#include "packets/pm4_control.h"
#include "packets/pm4_edu.h"
#include "packets/pm4_event.h"
#include "packets/pm4_memory.h"

namespace fakegpu::packets::pm4 {

// Here, so that whoever looks at every packet does so without a call.
constexpr std::optional<Header> parse_header(uint32_t dword) {
  if (dword == kFiller) return Header{.type = 2};
  if (dword >> 30 != 3 || (dword & 0xfc) != 0) return std::nullopt;
  const auto opcode = static_cast<uint8_t>(dword >> 8);
  const uint32_t body_dwords = (dword >> 16 & 0x3fff) + 1;
  const bool no_body = opcode == Nop::kOpcode && body_dwords > kMaxNopBodyDwords;
  return Header{.type = 3,
                .opcode = opcode,
                .body_dwords = no_body ? 0 : body_dwords,
                .predicate = (dword & 1) != 0,
                .compute = (dword & 2) != 0};
}

}  // namespace fakegpu::packets::pm4
