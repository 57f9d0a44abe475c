// SPDX-License-Identifier: MIT
// SDMA packets that move data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::sdma {

// Any alignment. Overlapping ranges are copied from low to high addresses in chunks.
// Header, bytes - 1 [21:0], parameter (0), source lo, hi, destination lo, hi.
struct CopyLinear {
  static constexpr uint8_t kOpcode = 1;
  static constexpr uint8_t kSubOpcode = 0;
  static constexpr std::string_view kName = "COPY_LINEAR";
  static constexpr uint32_t kMaxBytes = 1u << 22;

  uint64_t source = 0;
  uint64_t destination = 0;
  uint32_t bytes = 1;  // 1 to kMaxBytes

  void encode(Words& out) const;
  static std::optional<CopyLinear> parse(Packet packet);
  std::string describe() const;
  bool operator==(const CopyLinear&) const = default;
};

// Header, destination lo, hi, count - 1 [19:0], data.
struct WriteLinear {
  static constexpr uint8_t kOpcode = 2;
  static constexpr uint8_t kSubOpcode = 0;
  static constexpr std::string_view kName = "WRITE_LINEAR";
  static constexpr uint32_t kMaxData = 1u << 20;

  uint64_t destination = 0;  // 4-byte aligned
  Packet data;               // 1 to kMaxData dwords

  void encode(Words& out) const;
  static std::optional<WriteLinear> parse(Packet packet);
  std::string describe() const;
  bool operator==(const WriteLinear& other) const;
};

// Header with fill size [31:30] = 2 (dwords; others are refused), destination lo, hi, data,
// bytes - 1 [21:0]. Bytes even though it fills dwords.
struct ConstFill {
  static constexpr uint8_t kOpcode = 11;
  static constexpr std::string_view kName = "CONST_FILL";
  static constexpr uint32_t kMaxBytes = 1u << 22;

  uint64_t destination = 0;  // 4-byte aligned
  uint32_t data = 0;
  uint32_t bytes = 4;  // 4 to kMaxBytes, a multiple of 4

  void encode(Words& out) const;
  static std::optional<ConstFill> parse(Packet packet);
  std::string describe() const;
  bool operator==(const ConstFill&) const = default;
};

// Header with loop 16 and op [31:25], address lo, hi, data lo, hi, compare lo, hi, interval [12:0].
struct AtomicMem {
  static constexpr uint8_t kOpcode = 10;
  static constexpr std::string_view kName = "ATOMIC";

  AtomicOp op = AtomicOp::kAdd32;
  bool loop = false;  // only compare-swaps: repeat until the compare succeeds
  uint64_t address = 0;
  uint64_t data = 0;      // 32-bit ops: high half 0
  uint64_t compare = 0;   // other than compare-swaps: 0
  uint16_t interval = 0;  // GPU clocks between tries, 13 bits; 0 without loop

  void encode(Words& out) const;
  static std::optional<AtomicMem> parse(Packet packet);
  std::string describe() const;
  bool operator==(const AtomicMem&) const = default;
};

// Stores the GPU clock (64 bits). Sub-op GET_GLOBAL. Header, address lo, hi.
struct Timestamp {
  static constexpr uint8_t kOpcode = 13;
  static constexpr uint8_t kSubOpcode = 2;
  static constexpr std::string_view kName = "TIMESTAMP_GET_GLOBAL";

  uint64_t address = 0;  // 8-byte aligned

  void encode(Words& out) const;
  static std::optional<Timestamp> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Timestamp&) const = default;
};

}  // namespace fakegpu::packets::sdma
