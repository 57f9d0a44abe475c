// SPDX-License-Identifier: MIT
// SDMA packets that steer the engine: fillers, branches, waits, fences and registers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::sdma {

// Header: count [29:16], of dwords that follow and are skipped.
struct Nop {
  static constexpr uint8_t kOpcode = 0;
  static constexpr std::string_view kName = "NOP";
  static constexpr uint32_t kMaxCount = 0x3fff;
  Packet payload;  // 0 to kMaxCount dwords

  void encode(Words& out) const;
  static std::optional<Nop> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Nop& other) const;
};

// Header with vmid [19:16], base lo, hi, dwords [19:0], save area lo, hi.
struct Indirect {
  static constexpr uint8_t kOpcode = 4;
  static constexpr std::string_view kName = "INDIRECT";
  static constexpr uint32_t kMaxDwords = (1u << 20) - 1;

  uint8_t vmid = 0;        // 0 to 15
  uint64_t address = 0;    // 32-byte aligned
  uint32_t dwords = 0;     // 1 to kMaxDwords
  uint64_t save_area = 0;  // CSA, 4-byte aligned; 0: cannot be preempted

  void encode(Words& out) const;
  static std::optional<Indirect> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Indirect&) const = default;
};

// Header, address lo, hi, data. A 64-bit fence takes two.
struct Fence {
  static constexpr uint8_t kOpcode = 5;
  static constexpr std::string_view kName = "FENCE";

  uint64_t address = 0;  // 4-byte aligned
  uint32_t data = 0;

  void encode(Words& out) const;
  static std::optional<Fence> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Fence&) const = default;
};

// Raises an interrupt. Header, context id [27:0].
struct Trap {
  static constexpr uint8_t kOpcode = 6;
  static constexpr std::string_view kName = "TRAP";

  uint32_t context_id = 0;  // 28 bits

  void encode(Words& out) const;
  static std::optional<Trap> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Trap&) const = default;
};

// Header with function [30:28] and memory 31, address lo, hi, reference, mask, interval [15:0] with
// retries [27:16]. HDP flush (header bit 26) is refused.
struct PollRegMem {
  static constexpr uint8_t kOpcode = 8;
  static constexpr uint8_t kSubOpcode = 0;
  static constexpr std::string_view kName = "POLL_REGMEM";
  static constexpr uint16_t kRetryForever = 0xfff;

  Compare function = Compare::kEqual;
  bool memory = true;  // else a register
  uint64_t address =
      0;  // memory: 4-byte aligned; register: dword offset, 18 bits (<< 2 in the packet)
  uint32_t reference = 0;
  uint32_t mask = 0xffffffff;
  uint16_t interval = 10;            // GPU clocks between polls
  uint16_t retries = kRetryForever;  // 12 bits; then the engine goes on, as the chip does

  void encode(Words& out) const;
  static std::optional<PollRegMem> parse(Packet packet);
  std::string describe() const;
  bool operator==(const PollRegMem&) const = default;
};

// If the dword at `address` is not `reference`, the next `count` dwords are skipped.
// Header, address lo, hi, reference, count [13:0].
struct CondExec {
  static constexpr uint8_t kOpcode = 9;
  static constexpr std::string_view kName = "COND_EXE";

  uint64_t address = 0;  // 4-byte aligned
  uint32_t reference = 1;
  uint16_t count = 0;  // dwords, 14 bits

  void encode(Words& out) const;
  static std::optional<CondExec> parse(Packet packet);
  std::string describe() const;
  bool operator==(const CondExec&) const = default;
};

// Writes a register. Header with byte enable [31:28] = 0xf, register [17:0], data.
struct SrbmWrite {
  static constexpr uint8_t kOpcode = 14;
  static constexpr std::string_view kName = "SRBM_WRITE";

  uint32_t reg = 0;  // dword offset, 18 bits
  uint32_t data = 0;

  void encode(Words& out) const;
  static std::optional<SrbmWrite> parse(Packet packet);
  std::string describe() const;
  bool operator==(const SrbmWrite&) const = default;
};

}  // namespace fakegpu::packets::sdma
