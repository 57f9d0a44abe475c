// SPDX-License-Identifier: MIT
#include "packets/pm4_control.h"

#include <algorithm>

#include "fields.h"
#include "packets/registers.h"
#include "pm4_header.h"

namespace fakegpu::packets::pm4 {

void Nop::encode(Words& out) const {
  out.push_back(type3(kOpcode, static_cast<uint32_t>(payload.size())));
  out.insert(out.end(), payload.begin(), payload.end());
}

std::optional<Nop> Nop::parse(Packet packet) {
  if (!is_packet(packet, kOpcode)) return std::nullopt;
  return Nop{.payload = packet.subspan(1)};
}

std::string Nop::describe() const {
  return Line(kName).dec("dwords", payload.size() + 1).take();
}

bool Nop::operator==(const Nop& other) const {
  return std::ranges::equal(payload, other.payload);
}

void WaitRegMem::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 6),
                         place(static_cast<uint32_t>(function), 0, 3) | uint32_t{memory} << 4 |
                             place(static_cast<uint32_t>(engine), 8, 1),
                         low(address), high(address), reference, mask, interval});
}

std::optional<WaitRegMem> WaitRegMem::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 6)) return std::nullopt;
  const uint32_t control = packet[1];
  if ((control & ~0x117u) != 0 || bits(control, 0, 3) == 7 || packet[6] > 0xffff)
    return std::nullopt;
  const WaitRegMem wait{.function = static_cast<Compare>(bits(control, 0, 3)),
                        .memory = bits(control, 4, 1) != 0,
                        .engine = static_cast<Engine>(bits(control, 8, 1)),
                        .address = join(packet[2], packet[3]),
                        .reference = packet[4],
                        .mask = packet[5],
                        .interval = static_cast<uint16_t>(packet[6])};
  if (wait.memory ? !good_address(wait.address, 4) : !good_register(wait.address))
    return std::nullopt;
  return wait;
}

std::string WaitRegMem::describe() const {
  return Line(kName)
      .hex(memory ? "addr" : "reg", address)
      .hex("mask", mask)
      .text("until", fmt::format("{}{:#x}", compare_name(function), reference))
      .dec("interval", interval)
      .flag("pfp", engine == Engine::kPfp)
      .take();
}

void CondExec::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 4), low(address), high(address), 0, place(count, 0, 14)});
}

std::optional<CondExec> CondExec::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 4)) return std::nullopt;
  const CondExec cond{.address = join(packet[1], packet[2]),
                      .count = static_cast<uint16_t>(packet[4])};
  if (!good_address(cond.address, 4) || packet[3] != 0 || packet[4] > 0x3fff) return std::nullopt;
  return cond;
}

std::string CondExec::describe() const {
  return Line(kName).hex("addr", address).dec("count", count).take();
}

void IndirectBuffer::encode(Words& out) const {
  out.insert(out.end(),
             {type3(kOpcode, 3), low(address), high(address),
              place(dwords, 0, 20) | uint32_t{chain} << 20 | uint32_t{pre_enb} << 21 |
                  uint32_t{valid} << 23 | place(vmid, 24, 4) | uint32_t{pre_resume} << 30});
}

std::optional<IndirectBuffer> IndirectBuffer::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 3)) return std::nullopt;
  const uint32_t control = packet[3];
  if ((control & ~0x4fbfffffu) != 0) return std::nullopt;
  const IndirectBuffer ib{.address = join(packet[1], packet[2]),
                          .dwords = bits(control, 0, 20),
                          .vmid = static_cast<uint8_t>(bits(control, 24, 4)),
                          .chain = bits(control, 20, 1) != 0,
                          .pre_enb = bits(control, 21, 1) != 0,
                          .valid = bits(control, 23, 1) != 0,
                          .pre_resume = bits(control, 30, 1) != 0};
  if (!good_address(ib.address, 4) || ib.dwords == 0) return std::nullopt;
  return ib;
}

std::string IndirectBuffer::describe() const {
  return Line(kName)
      .hex("addr", address)
      .dec("dwords", dwords)
      .dec("vmid", vmid)
      .flag("chain", chain)
      .flag("pre_enb", pre_enb)
      .flag("invalid", !valid)
      .flag("pre_resume", pre_resume)
      .take();
}

void SetShReg::encode(Words& out) const {
  out.push_back(type3(kOpcode, 1 + static_cast<uint32_t>(values.size()), true));
  out.push_back(offset);
  out.insert(out.end(), values.begin(), values.end());
}

std::optional<SetShReg> SetShReg::parse(Packet packet) {
  if (!is_packet(packet, kOpcode, true) || packet.size() < 3) return std::nullopt;
  if (packet[1] >= sh::kCount || packet.size() - 2 > sh::kCount - packet[1]) return std::nullopt;
  return SetShReg{.offset = static_cast<uint16_t>(packet[1]), .values = packet.subspan(2)};
}

std::string SetShReg::describe() const {
  const std::string_view name = sh::name(offset);
  return Line(kName)
      .text("reg", name.empty() ? fmt::format("{:#x}", offset) : std::string(name))
      .text("values", dwords_text(values))
      .take();
}

bool SetShReg::operator==(const SetShReg& other) const {
  return offset == other.offset && std::ranges::equal(values, other.values);
}

void DispatchDirect::encode(Words& out) const {
  out.insert(out.end(), {type3(kOpcode, 4, true), x, y, z, initiator});
}

std::optional<DispatchDirect> DispatchDirect::parse(Packet packet) {
  if (!is_packet_of(packet, kOpcode, 4, true)) return std::nullopt;
  const DispatchDirect dispatch{
      .x = packet[1], .y = packet[2], .z = packet[3], .initiator = packet[4]};
  if ((dispatch.initiator & ~(kComputeShaderEn | kForceStartAt000)) != 0 ||
      (dispatch.initiator & kComputeShaderEn) == 0)
    return std::nullopt;
  const uint64_t plane = uint64_t{dispatch.x} * dispatch.y;
  if (dispatch.z != 0 && plane > kMaxGroups / dispatch.z) return std::nullopt;
  return dispatch;
}

std::string DispatchDirect::describe() const {
  return Line(kName).dec("x", x).dec("y", y).dec("z", z).hex("initiator", initiator).take();
}

}  // namespace fakegpu::packets::pm4
