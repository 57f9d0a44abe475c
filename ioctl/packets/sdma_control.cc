// SPDX-License-Identifier: MIT
#include "packets/sdma_control.h"

#include <algorithm>

#include "fields.h"
#include "sdma_header.h"

namespace fakegpu::packets::sdma {

void Nop::encode(Words& out) const {
  out.push_back(header_of(kOpcode) | place(static_cast<uint32_t>(payload.size()), 16, 14));
  out.insert(out.end(), payload.begin(), payload.end());
}

std::optional<Nop> Nop::parse(Packet packet) {
  if (packet.empty() || !is_packet(packet, header_of(kOpcode), 0x3fff0000, packet.size()))
    return std::nullopt;
  if (packet.size() != bits(packet[0], 16, 14) + 1) return std::nullopt;
  return Nop{.payload = packet.subspan(1)};
}

std::string Nop::describe() const {
  return Line(kName).dec("dwords", payload.size() + 1).take();
}

bool Nop::operator==(const Nop& other) const {
  return std::ranges::equal(payload, other.payload);
}

void Indirect::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode) | place(vmid, 16, 4), low(address), high(address),
                         place(dwords, 0, 20), low(save_area), high(save_area)});
}

std::optional<Indirect> Indirect::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0xf0000, 6)) return std::nullopt;
  const Indirect ib{.vmid = static_cast<uint8_t>(bits(packet[0], 16, 4)),
                    .address = join(packet[1], packet[2]),
                    .dwords = packet[3],
                    .save_area = join(packet[4], packet[5])};
  if (ib.dwords == 0 || ib.dwords > kMaxDwords) return std::nullopt;
  if (!good_address(ib.address, 32) || !good_address(ib.save_area, 4)) return std::nullopt;
  return ib;
}

std::string Indirect::describe() const {
  Line line(kName);
  line.hex("addr", address).dec("dwords", dwords).dec("vmid", vmid);
  if (save_area != 0) line.hex("csa", save_area);
  return line.take();
}

void Fence::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode), low(address), high(address), data});
}

std::optional<Fence> Fence::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0, 4)) return std::nullopt;
  const Fence fence{.address = join(packet[1], packet[2]), .data = packet[3]};
  if (!good_address(fence.address, 4)) return std::nullopt;
  return fence;
}

std::string Fence::describe() const {
  return Line(kName).hex("addr", address).hex("data", data).take();
}

void Trap::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode), place(context_id, 0, 28)});
}

std::optional<Trap> Trap::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0, 2) || packet[1] >> 28 != 0) return std::nullopt;
  return Trap{.context_id = packet[1]};
}

std::string Trap::describe() const {
  return Line(kName).hex("ctx_id", context_id).take();
}

void PollRegMem::encode(Words& out) const {
  const uint64_t field = memory ? address : address << 2;
  out.insert(out.end(), {header_of(kOpcode, kSubOpcode) |
                             place(static_cast<uint32_t>(function), 28, 3) | uint32_t{memory} << 31,
                         low(field), high(field), reference, mask,
                         uint32_t{interval} | place(retries, 16, 12)});
}

std::optional<PollRegMem> PollRegMem::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode, kSubOpcode), 0xf0000000, 6)) return std::nullopt;
  if (bits(packet[0], 28, 3) == 7 || packet[5] >> 28 != 0) return std::nullopt;
  PollRegMem poll{.function = static_cast<Compare>(bits(packet[0], 28, 3)),
                  .memory = bits(packet[0], 31, 1) != 0,
                  .address = join(packet[1], packet[2]),
                  .reference = packet[3],
                  .mask = packet[4],
                  .interval = static_cast<uint16_t>(packet[5]),
                  .retries = static_cast<uint16_t>(bits(packet[5], 16, 12))};
  if (!good_address(poll.address, 4)) return std::nullopt;
  if (!poll.memory) {
    poll.address >>= 2;
    if (!good_register(poll.address)) return std::nullopt;
  }
  return poll;
}

std::string PollRegMem::describe() const {
  Line line(kName);
  line.hex(memory ? "addr" : "reg", address)
      .hex("mask", mask)
      .text("until", fmt::format("{}{:#x}", compare_name(function), reference))
      .dec("interval", interval);
  if (retries != kRetryForever) line.dec("retries", retries);
  return line.take();
}

void CondExec::encode(Words& out) const {
  out.insert(out.end(),
             {header_of(kOpcode), low(address), high(address), reference, place(count, 0, 14)});
}

std::optional<CondExec> CondExec::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode), 0, 5) || packet[4] > 0x3fff) return std::nullopt;
  const CondExec cond{.address = join(packet[1], packet[2]),
                      .reference = packet[3],
                      .count = static_cast<uint16_t>(packet[4])};
  if (!good_address(cond.address, 4)) return std::nullopt;
  return cond;
}

std::string CondExec::describe() const {
  return Line(kName).hex("addr", address).hex("reference", reference).dec("count", count).take();
}

void SrbmWrite::encode(Words& out) const {
  out.insert(out.end(), {header_of(kOpcode) | 0xfu << 28, reg & kRegisterMask, data});
}

std::optional<SrbmWrite> SrbmWrite::parse(Packet packet) {
  if (!is_packet(packet, header_of(kOpcode) | 0xfu << 28, 0, 3)) return std::nullopt;
  if (!good_register(packet[1])) return std::nullopt;
  return SrbmWrite{.reg = packet[1], .data = packet[2]};
}

std::string SrbmWrite::describe() const {
  return Line(kName).hex("reg", reg).hex("data", data).take();
}

}  // namespace fakegpu::packets::sdma
