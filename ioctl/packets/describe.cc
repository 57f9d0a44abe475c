// SPDX-License-Identifier: MIT
#include "packets/describe.h"

#include "fields.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::packets {
namespace {

template <typename T>
std::string one(Packet packet) {
  if (const std::optional<T> parsed = T::parse(packet)) return parsed->describe();
  return fmt::format("malformed {} {}", T::kName, dwords_text(packet));
}

std::string unknown(uint32_t opcode, Packet packet) {
  return fmt::format("unknown opcode {:#x} {}", opcode, dwords_text(packet));
}

}  // namespace

std::string describe_pm4_packet(Packet packet) {
  if (packet.empty()) return "empty packet";
  const std::optional<pm4::Header> header = pm4::parse_header(packet[0]);
  if (!header) return fmt::format("malformed header {}", dwords_text(packet));
  if (header->type == 2)
    return packet.size() == 1 ? "filler" : fmt::format("malformed filler {}", dwords_text(packet));
  switch (header->opcode) {
    case pm4::Nop::kOpcode:
      return one<pm4::Nop>(packet);
    case pm4::DispatchDirect::kOpcode:
      return one<pm4::DispatchDirect>(packet);
    case pm4::AtomicMem::kOpcode:
      return one<pm4::AtomicMem>(packet);
    case pm4::CondExec::kOpcode:
      return one<pm4::CondExec>(packet);
    case pm4::WriteData::kOpcode:
      return one<pm4::WriteData>(packet);
    case pm4::WaitRegMem::kOpcode:
      return one<pm4::WaitRegMem>(packet);
    case pm4::IndirectBuffer::kOpcode:
      return one<pm4::IndirectBuffer>(packet);
    case pm4::CopyData::kOpcode:
      return one<pm4::CopyData>(packet);
    case pm4::EventWrite::kOpcode:
      return one<pm4::EventWrite>(packet);
    case pm4::ReleaseMem::kOpcode:
      return one<pm4::ReleaseMem>(packet);
    case pm4::DmaData::kOpcode:
      return one<pm4::DmaData>(packet);
    case pm4::SetShReg::kOpcode:
      return one<pm4::SetShReg>(packet);
    case pm4::Work::kOpcode:
      return one<pm4::Work>(packet);
    case pm4::Hang::kOpcode:
      return one<pm4::Hang>(packet);
    case pm4::Fault::kOpcode:
      return one<pm4::Fault>(packet);
    case pm4::Mark::kOpcode:
      return one<pm4::Mark>(packet);
    case pm4::Hash::kOpcode:
      return one<pm4::Hash>(packet);
  }
  return unknown(header->opcode, packet);
}

std::string describe_sdma_packet(Packet packet) {
  if (packet.empty()) return "empty packet";
  const uint8_t opcode = static_cast<uint8_t>(bits(packet[0], 0, 8));
  switch (opcode) {
    case sdma::Nop::kOpcode:
      return one<sdma::Nop>(packet);
    case sdma::CopyLinear::kOpcode:
      return one<sdma::CopyLinear>(packet);
    case sdma::WriteLinear::kOpcode:
      return one<sdma::WriteLinear>(packet);
    case sdma::Indirect::kOpcode:
      return one<sdma::Indirect>(packet);
    case sdma::Fence::kOpcode:
      return one<sdma::Fence>(packet);
    case sdma::Trap::kOpcode:
      return one<sdma::Trap>(packet);
    case sdma::PollRegMem::kOpcode:
      return one<sdma::PollRegMem>(packet);
    case sdma::CondExec::kOpcode:
      return one<sdma::CondExec>(packet);
    case sdma::AtomicMem::kOpcode:
      return one<sdma::AtomicMem>(packet);
    case sdma::ConstFill::kOpcode:
      return one<sdma::ConstFill>(packet);
    case sdma::Timestamp::kOpcode:
      return one<sdma::Timestamp>(packet);
    case sdma::SrbmWrite::kOpcode:
      return one<sdma::SrbmWrite>(packet);
  }
  return unknown(opcode, packet);
}

std::string describe_pm4(Packet ib) {
  std::string text;
  for (size_t at = 0; at < ib.size();) {
    const Packet rest = ib.subspan(at);
    const std::optional<pm4::Header> header = pm4::parse_header(rest[0]);
    const size_t dwords = header ? header->body_dwords + 1 : rest.size();
    text += fmt::format("{:#06x}: ", at);
    if (dwords > rest.size()) {
      text +=
          fmt::format("cut short: {} of {} dwords {}\n", rest.size(), dwords, dwords_text(rest));
      break;
    }
    text += describe_pm4_packet(rest.first(dwords)) + "\n";
    at += dwords;
  }
  return text;
}

std::string describe_sdma(Packet ib) {
  std::string text;
  for (size_t at = 0; at < ib.size();) {
    const Packet rest = ib.subspan(at);
    const size_t dwords = sdma::packet_dwords(rest).value_or(rest.size());
    text += fmt::format("{:#06x}: ", at);
    if (dwords > rest.size()) {
      text +=
          fmt::format("cut short: {} of {} dwords {}\n", rest.size(), dwords, dwords_text(rest));
      break;
    }
    text += describe_sdma_packet(rest.first(dwords)) + "\n";
    at += dwords;
  }
  return text;
}

}  // namespace fakegpu::packets
