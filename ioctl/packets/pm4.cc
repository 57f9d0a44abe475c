// SPDX-License-Identifier: MIT
#include "packets/pm4.h"

#include "fields.h"
#include "pm4_header.h"

namespace fakegpu::packets::pm4 {

uint32_t type3(uint8_t opcode, uint32_t body_dwords, bool compute) {
  return 3u << 30 | place(body_dwords - 1, 16, 14) | uint32_t{opcode} << 8 | uint32_t{compute} << 1;
}

std::optional<Header> parse_header(uint32_t dword) {
  if (dword == kFiller) return Header{.type = 2};
  if (bits(dword, 30, 2) != 3 || bits(dword, 2, 6) != 0) return std::nullopt;
  Header header{.type = 3,
                .opcode = static_cast<uint8_t>(bits(dword, 8, 8)),
                .body_dwords = bits(dword, 16, 14) + 1,
                .predicate = bits(dword, 0, 1) != 0,
                .compute = bits(dword, 1, 1) != 0};
  if (header.opcode == Nop::kOpcode && header.body_dwords > kMaxNopBodyDwords)
    header.body_dwords = 0;
  return header;
}

bool is_packet(Packet packet, uint8_t opcode, bool compute) {
  if (packet.empty()) return false;
  const std::optional<Header> header = parse_header(packet[0]);
  return header && header->type == 3 && header->opcode == opcode && !header->predicate &&
         header->compute == compute && packet.size() == header->body_dwords + 1;
}

std::string_view opcode_name(uint8_t opcode) {
  switch (opcode) {
    case Nop::kOpcode:
      return Nop::kName;
    case DispatchDirect::kOpcode:
      return DispatchDirect::kName;
    case AtomicMem::kOpcode:
      return AtomicMem::kName;
    case CondExec::kOpcode:
      return CondExec::kName;
    case WriteData::kOpcode:
      return WriteData::kName;
    case WaitRegMem::kOpcode:
      return WaitRegMem::kName;
    case IndirectBuffer::kOpcode:
      return IndirectBuffer::kName;
    case CopyData::kOpcode:
      return CopyData::kName;
    case EventWrite::kOpcode:
      return EventWrite::kName;
    case ReleaseMem::kOpcode:
      return ReleaseMem::kName;
    case DmaData::kOpcode:
      return DmaData::kName;
    case SetShReg::kOpcode:
      return SetShReg::kName;
    case Work::kOpcode:
      return Work::kName;
    case Hang::kOpcode:
      return Hang::kName;
    case Fault::kOpcode:
      return Fault::kName;
    case Mark::kOpcode:
      return Mark::kName;
    case Hash::kOpcode:
      return Hash::kName;
  }
  return {};
}

}  // namespace fakegpu::packets::pm4
