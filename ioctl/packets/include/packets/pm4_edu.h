// SPDX-License-Identifier: MIT
// Packets for teaching and tests, in the opcode range that no AMD chip documents (0xe0 to 0xef). A
// device profile can disable them; then they are unknown opcodes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::pm4 {

constexpr bool is_edu(uint8_t opcode) {
  return (opcode & 0xf0) == 0xe0;
}

// Keeps the ring busy for units * unit_ns. After each unit the count of those done is stored as a
// dword at progress_address. Body: units, unit_ns, flags, progress lo, hi.
struct Work {
  static constexpr uint8_t kOpcode = 0xe0;
  static constexpr std::string_view kName = "WORK";
  static constexpr uint32_t kPreemptAtUnit = 1u << 0;  // may be preempted after each unit

  uint32_t units = 1;  // 0: nothing to do
  uint32_t unit_ns = 0;
  uint32_t flags = 0;
  uint64_t progress_address = 0;  // 4-byte aligned; 0: not stored

  void encode(Words& out) const;
  static std::optional<Work> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Work&) const = default;
};

// Stops making progress. Body: mode, argument lo, hi.
struct Hang {
  static constexpr uint8_t kOpcode = 0xe1;
  static constexpr std::string_view kName = "HANG";

  enum class Mode : uint8_t {
    kWave = 0,              // an endless wave: ends when the waves of its VMID are killed
    kProcessor = 1,         // the command processor halts: ends with a queue reset
    kIgnorePreempt = 2,     // kWave that also never answers a preemption request
    kIgnoreQueueReset = 3,  // ends with an engine (soft) reset at the earliest
    kSurviveSoftReset = 4,  // ends with a whole-GPU reset only
    kTimed = 5,             // argument: ns until it goes on by itself
  };

  Mode mode = Mode::kWave;
  uint64_t argument = 0;  // 0 except for kTimed

  void encode(Words& out) const;
  static std::optional<Hang> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Hang&) const = default;
};

// Makes a fault of the hardware happen here. Body: kind, argument lo, hi.
struct Fault {
  static constexpr uint8_t kOpcode = 0xe2;
  static constexpr std::string_view kName = "FAULT";

  enum class Kind : uint8_t {
    kPageFault = 0,       // as if a packet had read the address `argument`
    kBadOpcode = 1,       // argument: the opcode to report, 8 bits
    kCorrectedError = 2,  // RAS: counted and reported
    kUncorrectedError = 3,
    kPoison = 4,           // this job consumed poisoned data
    kLoseInterrupt = 5,    // the next interrupt of this ring is not raised
    kDelayFence = 6,       // the next RELEASE_MEM of this ring takes effect `argument` ns late
    kRepeatFence = 7,      // its interrupt is raised twice
    kCorruptSaveArea = 8,  // the next context save is written with a wrong checksum
  };

  Kind kind = Kind::kPageFault;
  uint64_t argument = 0;  // 0 except where a kind says what it is

  void encode(Words& out) const;
  static std::optional<Fault> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Fault&) const = default;
};

// An event with this id in the trace. Body: id.
struct Mark {
  static constexpr uint8_t kOpcode = 0xe3;
  static constexpr std::string_view kName = "MARK";

  uint32_t id = 0;

  void encode(Words& out) const;
  static std::optional<Mark> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Mark&) const = default;
};

// Stores the 64-bit FNV-1a hash of a byte range: h = kBasis; for each byte b: h = (h ^ b) * kPrime.
// Body: address lo, hi, bytes, destination lo, hi.
struct Hash {
  static constexpr uint8_t kOpcode = 0xe4;
  static constexpr std::string_view kName = "HASH";
  static constexpr uint64_t kBasis = 0xcbf29ce484222325;
  static constexpr uint64_t kPrime = 0x100000001b3;

  uint64_t address = 0;      // any alignment
  uint32_t bytes = 0;        // 0: stores kBasis
  uint64_t destination = 0;  // 8-byte aligned

  void encode(Words& out) const;
  static std::optional<Hash> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Hash&) const = default;
};

}  // namespace fakegpu::packets::pm4
