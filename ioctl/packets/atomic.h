// SPDX-License-Identifier: MIT
// What the AtomicMem packets of both engines share: all but where op and loop stand.
#pragma once

#include <optional>
#include <string>

#include "fields.h"

namespace fakegpu::packets {

// address lo, hi, data lo, hi, compare lo, hi, interval [12:0].
inline constexpr size_t kAtomicOperandDwords = 7;

template <typename Atomic>
void encode_atomic_operands(const Atomic& atomic, Words& out) {
  out.insert(out.end(),
             {low(atomic.address), high(atomic.address), low(atomic.data), high(atomic.data),
              low(atomic.compare), high(atomic.compare), place(atomic.interval, 0, 13)});
}

// `operands`: kAtomicOperandDwords. nullopt: a reserved bit, or fields that do not go together.
template <typename Atomic>
std::optional<Atomic> parse_atomic(uint32_t op, bool loop, Packet operands) {
  if ((operands[6] & ~0x1fffu) != 0) return std::nullopt;
  const Atomic atomic{.op = static_cast<AtomicOp>(op),
                      .loop = loop,
                      .address = join(operands[0], operands[1]),
                      .data = join(operands[2], operands[3]),
                      .compare = join(operands[4], operands[5]),
                      .interval = static_cast<uint16_t>(operands[6])};
  if (!good_atomic(atomic.op, atomic.loop, atomic.address, atomic.data, atomic.compare,
                   atomic.interval))
    return std::nullopt;
  return atomic;
}

template <typename Atomic>
std::string describe_atomic(const Atomic& atomic) {
  Line line(Atomic::kName);
  line.text("op", atomic_name(atomic.op)).hex("addr", atomic.address).hex("data", atomic.data);
  if (is_compare_swap(atomic.op)) line.hex("compare", atomic.compare);
  if (atomic.loop) line.flag("loop", true).dec("interval", atomic.interval);
  return line.take();
}

}  // namespace fakegpu::packets
