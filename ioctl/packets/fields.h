// SPDX-License-Identifier: MIT
// Helpers to cut packets into fields and put fields into text.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "packets/stream.h"

namespace fakegpu::packets {

inline constexpr uint32_t kRegisterMask = (1u << 18) - 1;  // dword offsets of the register space

constexpr uint32_t low(uint64_t value) {
  return static_cast<uint32_t>(value);
}
constexpr uint32_t high(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}
constexpr uint64_t join(uint32_t lo, uint32_t hi) {
  return uint64_t{hi} << 32 | lo;
}

constexpr uint32_t bits(uint32_t dword, unsigned shift, unsigned width) {
  return (dword >> shift) & ((1u << width) - 1);
}
constexpr uint32_t place(uint32_t value, unsigned shift, unsigned width) {
  return (value & ((1u << width) - 1)) << shift;
}

constexpr bool good_address(uint64_t address, uint64_t alignment) {
  return (address & ~kAddressMask) == 0 && address % alignment == 0;
}
constexpr bool good_register(uint64_t offset) {
  return offset <= kRegisterMask;
}

std::string_view compare_name(Compare function);  // "<="
std::string_view atomic_name(AtomicOp op);        // "add32"; empty if there is no such op

// Constraints that both engines' atomics share.
bool good_atomic(AtomicOp op, bool loop, uint64_t address, uint64_t data, uint64_t compare,
                 uint16_t interval);

// "[0x1, 0x2]", at most eight dwords, then ", ... 12 in all".
std::string dwords_text(Packet dwords);

// Collects "NAME field=value flag ...".
class Line {
 public:
  explicit Line(std::string_view name) : text_(name) {}
  Line& hex(std::string_view name, uint64_t value) {
    text_ += fmt::format(" {}={:#x}", name, value);
    return *this;
  }
  Line& dec(std::string_view name, uint64_t value) {
    text_ += fmt::format(" {}={}", name, value);
    return *this;
  }
  Line& text(std::string_view name, std::string_view value) {
    text_ += fmt::format(" {}={}", name, value);
    return *this;
  }
  Line& flag(std::string_view name, bool set) {
    if (set) text_ += fmt::format(" {}", name);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace fakegpu::packets
