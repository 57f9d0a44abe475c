// SPDX-License-Identifier: MIT
// SDMA's packet for teaching and tests, in the range of ops that no AMD chip documents (0xe0 to
// 0xef). Where a device profile disables it, it is an unknown op.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::sdma {

// Keeps the ring busy for units * unit_ns, as PM4's WORK does, without waves that could be killed.
// After each unit the count of those done is stored as a dword at progress_address.
// Header, units, unit_ns, progress lo, hi.
struct Work {
  static constexpr uint8_t kOpcode = 0xe0;
  static constexpr std::string_view kName = "WORK";

  uint32_t units = 1;  // 0: nothing to do
  uint32_t unit_ns = 0;
  uint64_t progress_address = 0;  // 4-byte aligned; 0: not stored

  void encode(Words& out) const;
  static std::optional<Work> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Work&) const = default;
};

}  // namespace fakegpu::packets::sdma
