// SPDX-License-Identifier: MIT
// What every packet type of this module has in common:
//
// - static constexpr uint8_t kOpcode: the public opcode
// - static constexpr std::string_view kName: and the public name
// - void encode(Words& out) const: appends the packet
// - static std::optional<T> parse(Packet): nullopt if it is malformed
// - std::string describe() const: one line: the name, then field=value
// - bool operator==(const T&) const
//
// encode() and parse() are about the whole packet, header included. The fields must be in the
// ranges stated beside them: encode() cuts one that is not to its width. Malformed is a wrong
// opcode or length, a reserved bit, a value out of range, a misaligned address. For every packet
// that parse() accepts, encode() gives back the same dwords.
//
// Fields of type Packet borrow the dwords they were parsed from or will be encoded from. Addresses
// are GPU virtual, 48 bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fakegpu::packets {

using Words = std::vector<uint32_t>;
using Packet = std::span<const uint32_t>;

inline constexpr uint64_t kAddressMask = (uint64_t{1} << 48) - 1;

// Comparison of WAIT_REG_MEM and SDMA's POLL_REGMEM: (value & mask) <function> reference.
enum class Compare : uint8_t {
  kAlways = 0,
  kLess = 1,
  kLessEqual = 2,
  kEqual = 3,
  kNotEqual = 4,
  kGreaterEqual = 5,
  kGreater = 6,
};

// Operation of ATOMIC_MEM and SDMA's ATOMIC: the numbers are TC_OP_ATOMIC_*_RTN of the L2 cache.
// The 32-bit ones use the low half of data and compare, and a 4-byte aligned address; the 64-bit
// ones an 8-byte aligned address.
enum class AtomicOp : uint8_t {
  kSwap32 = 0x07,
  kCompareSwap32 = 0x08,  // memory = (memory == compare) ? data : memory
  kAdd32 = 0x0f,
  kSwap64 = 0x27,
  kCompareSwap64 = 0x28,
  kAdd64 = 0x2f,
};

constexpr bool is_64bit(AtomicOp op) {
  return (static_cast<uint8_t>(op) & 0x20) != 0;
}
constexpr bool is_compare_swap(AtomicOp op) {
  return op == AtomicOp::kCompareSwap32 || op == AtomicOp::kCompareSwap64;
}

}  // namespace fakegpu::packets
