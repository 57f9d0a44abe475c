// SPDX-License-Identifier: MIT
// PM4 packets that move data between memory, registers and the packet itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::pm4 {

// Where WRITE_DATA and COPY_DATA store. All three memory paths behave alike here.
enum class Destination : uint8_t {
  kRegister = 0,    // address: the register's dword offset, 18 bits
  kMemorySync = 1,  // address: 4-byte aligned
  kL2 = 2,
  kMemory = 5,
};
constexpr bool is_memory(Destination d) {
  return d != Destination::kRegister;
}

// Which processor of the ring executes the packet; recorded, and the same here.
enum class Engine : uint8_t { kMe = 0, kPfp = 1 };

// Body: control, address lo, hi, data.
// control: destination [11:8], one_address 16, confirm 20, engine [31:30].
struct WriteData {
  static constexpr uint8_t kOpcode = 0x37;
  static constexpr std::string_view kName = "WRITE_DATA";
  static constexpr uint32_t kMaxData = 0x4000 - 3;

  Destination destination = Destination::kMemory;
  bool one_address = false;  // each dword goes to the same address (WR_ONE_ADDR)
  bool confirm = false;      // later packets start after the write is visible
  Engine engine = Engine::kMe;
  uint64_t address = 0;
  Packet data;  // 1 to kMaxData dwords

  void encode(Words& out) const;
  static std::optional<WriteData> parse(Packet packet);
  std::string describe() const;
  bool operator==(const WriteData& other) const;
};

// Body: control, source lo, hi, destination lo, hi.
// control: source [3:0], destination [11:8], wide 16, confirm 20, engine [31:30].
struct CopyData {
  static constexpr uint8_t kOpcode = 0x40;
  static constexpr std::string_view kName = "COPY_DATA";

  enum class Source : uint8_t {
    kRegister = 0,  // value: dword offset, 18 bits
    kMemory = 1,    // value: address, aligned to the width
    kL2 = 2,
    kImmediate = 5,  // value itself
    kTimestamp = 9,  // GPU clock; value is 0, wide must be set
  };

  Source source = Source::kMemory;
  Destination destination = Destination::kMemory;
  bool wide = false;  // 64 bits; else 32. A wide register is two neighbours, low half first
  bool confirm = false;
  Engine engine = Engine::kMe;
  uint64_t value = 0;
  uint64_t address = 0;  // of the destination; aligned to the width

  void encode(Words& out) const;
  static std::optional<CopyData> parse(Packet packet);
  std::string describe() const;
  bool operator==(const CopyData&) const = default;
};

// CP DMA: a copy of any alignment, or a fill of dwords. Overlapping ranges are copied as by
// memmove. Body: control, source lo or data, source hi, destination lo, hi, command. control:
// engine 0, destination select [21:20] = 0 or 3 (L2; the same here), source select [30:29] = 0, 2
// (data) or 3 (L2), sync 31. command: bytes [25:0], raw_wait 30. Cache policies and the register
// forms (SAS, DAS) are refused.
struct DmaData {
  static constexpr uint8_t kOpcode = 0x50;
  static constexpr std::string_view kName = "DMA_DATA";
  static constexpr uint32_t kMaxBytes = (1u << 26) - 1;

  enum class Source : uint8_t { kMemory = 0, kData = 2, kL2 = 3 };
  enum class Target : uint8_t { kMemory = 0, kL2 = 3 };

  Source source = Source::kMemory;
  Target target = Target::kMemory;
  Engine engine = Engine::kMe;
  bool sync = false;            // CP_SYNC: later packets wait for the copy
  bool raw_wait = false;        // wait for earlier copies first
  uint64_t source_address = 0;  // kData: the dword to fill with, high half 0
  uint64_t address = 0;         // destination; kData: 4-byte aligned
  uint32_t bytes = 0;           // 1 to kMaxBytes; kData: a multiple of 4

  void encode(Words& out) const;
  static std::optional<DmaData> parse(Packet packet);
  std::string describe() const;
  bool operator==(const DmaData&) const = default;
};

// Body: control, address lo, hi, data lo, hi, compare lo, hi, interval.
// control: op [6:0], loop [11:8] = 1 for the loop variant. interval: [12:0].
struct AtomicMem {
  static constexpr uint8_t kOpcode = 0x1e;
  static constexpr std::string_view kName = "ATOMIC_MEM";

  AtomicOp op = AtomicOp::kAdd32;
  bool loop = false;  // only compare-swaps: repeat until the compare succeeds
  uint64_t address = 0;
  uint64_t data = 0;      // 32-bit ops: high half 0
  uint64_t compare = 0;   // other than compare-swaps: 0
  uint16_t interval = 0;  // between tries, in units of 16 GPU clocks, 13 bits; 0 without loop

  void encode(Words& out) const;
  static std::optional<AtomicMem> parse(Packet packet);
  std::string describe() const;
  bool operator==(const AtomicMem&) const = default;
};

}  // namespace fakegpu::packets::pm4
