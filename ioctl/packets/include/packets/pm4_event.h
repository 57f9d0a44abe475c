// SPDX-License-Identifier: MIT
// PM4 packets about the end of work before them: flushes and end-of-pipe fences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::pm4 {

// Body: type [5:0] and index [11:8] in one dword. Only the partial flushes exist here: wait until
// the dispatches before it are done.
struct EventWrite {
  static constexpr uint8_t kOpcode = 0x46;
  static constexpr std::string_view kName = "EVENT_WRITE";
  enum class Type : uint8_t {
    kCsPartialFlush = 0x07,
    kVsPartialFlush = 0x0f,
    kPsPartialFlush = 0x10
  };
  static constexpr uint8_t kIndex = 4;  // of *S_PARTIAL_FLUSH

  Type type = Type::kCsPartialFlush;

  void encode(Words& out) const;
  static std::optional<EventWrite> parse(Packet packet);
  std::string describe() const;
  bool operator==(const EventWrite&) const = default;
};

// End of pipe: when all work before it is done, write data, then raise the interrupt.
// Body: event, select, address lo, hi, data lo, hi, context id.
// event: type [5:0], index [11:8] = 5, cache actions [22:12], cache policy [26:25], execute 28.
// select: destination [17:16], interrupt [26:24], data [31:29].
struct ReleaseMem {
  static constexpr uint8_t kOpcode = 0x49;
  static constexpr std::string_view kName = "RELEASE_MEM";
  static constexpr uint8_t kCacheFlushAndInvTs = 0x14;
  static constexpr uint8_t kBottomOfPipeTs = 0x28;
  static constexpr uint8_t kIndex = 5;  // of the *_TS events

  enum class Data : uint8_t { kNone = 0, k32 = 1, k64 = 2, kTimestamp = 3 };
  enum class Interrupt : uint8_t {
    kNone = 0,
    kOnly = 1,        // no write: data must be kNone
    kAfterWrite = 2,  // when the write is visible
  };

  uint8_t event_type = kCacheFlushAndInvTs;  // this or kBottomOfPipeTs
  uint16_t cache_actions = 0;                // GCR_CNTL, 11 bits; nothing to do for them here
  uint8_t cache_policy = 0;                  // 0 to 3; likewise
  bool execute = false;     // amdgpu's EXEC bit: go through even if a preemption waits
  uint8_t destination = 0;  // 0: memory controller, 1: L2; the same here
  Data data_select = Data::k64;
  Interrupt interrupt = Interrupt::kNone;
  uint64_t address = 0;     // 4-byte aligned for k32, 8-byte for k64 and kTimestamp; 0 for kNone
  uint64_t data = 0;        // k32: high half 0; kNone and kTimestamp: 0
  uint32_t context_id = 0;  // comes back in the interrupt

  void encode(Words& out) const;
  static std::optional<ReleaseMem> parse(Packet packet);
  std::string describe() const;
  bool operator==(const ReleaseMem&) const = default;
};

}  // namespace fakegpu::packets::pm4
