// SPDX-License-Identifier: MIT
#include "packets/pm4.h"

#include "pm4_header.h"

namespace fakegpu::packets::pm4 {

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
