// SPDX-License-Identifier: MIT
// Format of the page tables that the driver writes and the chip walks. 48-bit addresses, four
// levels of 512 eight-byte entries, 4 KiB pages. Flag bits are amdgpu's. Both sides access entries
// as single 64-bit atomics, so a walk sees an entry before or after a change, never between.
#pragma once

#include <cstdint>

namespace fakegpu::hw::pte {

inline constexpr uint64_t kValid = 1ull << 0;
// The address is in system memory. Addresses are absolute (kSystemBase on); an entry whose address
// and this bit disagree translates nothing.
inline constexpr uint64_t kSystem = 1ull << 1;
inline constexpr uint64_t kReadable = 1ull << 5;
inline constexpr uint64_t kWritable = 1ull << 6;
inline constexpr uint64_t kAddressMask = 0x0000'ffff'ffff'f000ull;

inline constexpr unsigned kLevels = 4;
inline constexpr unsigned kEntries = 512;
inline constexpr uint64_t kAddressEnd = 1ull << 48;

// Index into the table of `level` (3 is the root, 0 holds the pages).
constexpr unsigned index(uint64_t va, unsigned level) {
  return static_cast<unsigned>(va >> (12 + 9 * level)) & (kEntries - 1);
}

}  // namespace fakegpu::hw::pte
