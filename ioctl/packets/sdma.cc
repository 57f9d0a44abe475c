// SPDX-License-Identifier: MIT
#include "packets/sdma.h"

#include "fields.h"

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
    case Work::kOpcode:
      return 5;
    case Timestamp::kOpcode:
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
    case Work::kOpcode:
      return Work::kName;
  }
  return {};
}

}  // namespace fakegpu::packets::sdma
