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

std::string exact_pm4(Packet packet) {
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

std::string exact_sdma(Packet packet) {
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
    case sdma::Work::kOpcode:
      return one<sdma::Work>(packet);
  }
  return unknown(opcode, packet);
}

// Where it cannot be told: all that is left.
size_t pm4_dwords(Packet rest) {
  const std::optional<pm4::Header> header = pm4::parse_header(rest[0]);
  return header ? header->body_dwords + 1 : rest.size();
}

size_t sdma_dwords(Packet rest) {
  return sdma::packet_dwords(rest).value_or(rest.size());
}

using Exact = std::string(Packet);
using Dwords = size_t(Packet);

std::string first(Packet words, Dwords dwords_of, Exact describe) {
  if (words.empty()) return "empty packet";
  const size_t dwords = dwords_of(words);
  if (dwords > words.size())
    return fmt::format("cut short: {} of {} dwords {}", words.size(), dwords, dwords_text(words));
  return describe(words.first(dwords));
}

std::string all(Packet ib, Dwords dwords_of, Exact describe) {
  std::string text;
  for (size_t at = 0; at < ib.size(); at += dwords_of(ib.subspan(at)))
    text += fmt::format("{:#06x}: {}\n", at, first(ib.subspan(at), dwords_of, describe));
  return text;
}

}  // namespace

std::string describe_pm4_packet(Packet words) {
  return first(words, pm4_dwords, exact_pm4);
}

std::string describe_sdma_packet(Packet words) {
  return first(words, sdma_dwords, exact_sdma);
}

std::string describe_pm4(Packet ib) {
  return all(ib, pm4_dwords, exact_pm4);
}

std::string describe_sdma(Packet ib) {
  return all(ib, sdma_dwords, exact_sdma);
}

}  // namespace fakegpu::packets
