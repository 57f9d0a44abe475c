// SPDX-License-Identifier: MIT
// Where a ring's packets come from: the ring itself and the IBs entered from it. Holds the
// position, and the one copy of the current packet that is checked and executed: clients can write
// to their IBs at any time, so nothing of a packet is read twice.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine_memory.h"
#include "hw/memory.h"
#include "operation.h"
#include "packets/stream.h"
#include "ring_state.h"

namespace fakegpu::hw {

class PacketStream {
 public:
  // Length in dwords of the packet that starts with `start`; 0: there is none, for `reason`. With
  // kFaultBadPacket it is asked again with up to four dwords, if it had fewer.
  struct Length {
    uint32_t dwords;
    reg::FaultReason reason;
  };
  using Measure = Length (*)(packets::Packet start);

  static constexpr unsigned kMaxLevel = 2;

  PacketStream(const Memory& memory, EngineMemory& engine_memory, RingState& ring, Measure measure)
      : memory_(memory), engine_memory_(engine_memory), ring_(ring), measure_(measure) {}

  // Copies the next packet: kDone and packet() is there, kUntil kNever: the ring is empty, or a
  // fault.
  Outcome fetch();
  // Empty between retire() and fetch().
  packets::Packet packet() const { return {buffer_.data(), packet_dwords_}; }
  uint32_t header() const { return header_; }  // of the newest packet, for fault reports

  // Whether `count` dwords after the packet are there to be skipped.
  bool can_skip(uint32_t count) const;
  // Leaves the packet behind, `skip` dwords after it too, and IBs that end there.
  void retire(uint32_t skip);
  // The packet is an IB to go into; it retires when the IB has ended.
  void enter(uint64_t address, uint32_t dwords, unsigned vmid, bool preemptible);
  // The IB replaces the rest of the current one.
  void chain(uint64_t address, uint32_t dwords, bool preemptible);
  // The packet's header was read wrongly, all bits flipped.
  void corrupt();
  // The header that a fault report is to show.
  void report_as(uint32_t header) { header_ = header; }
  // Back to the start of the ring, without a packet.
  void reset();

  unsigned level() const { return level_; }  // 0: ring
  unsigned vmid() const { return levels_[level_].vmid; }
  uint64_t base() const { return level_ ? levels_[level_].address : ring_.base(); }
  uint32_t offset() const {
    return level_ ? levels_[level_].offset : static_cast<uint32_t>(ring_.rptr.load());
  }

 private:
  struct Level {
    uint64_t address = 0;
    uint32_t dwords = 0;
    uint32_t offset = 0;   // IBs only; the ring's is rptr
    uint32_t pending = 0;  // length of the IB packet that was entered from here
    uint8_t vmid = 0;
    bool preemptible = false;  // PRE_ENB
  };

  // Dwords from the position to the end of what may be fetched.
  uint64_t remaining() const;
  // Copies [from, to) dwords of the packet into the buffer.
  bool copy(uint32_t from, uint32_t to);
  void go_to(unsigned level);
  void advance(uint32_t dwords);

  const Memory& memory_;
  EngineMemory& engine_memory_;
  RingState& ring_;
  const Measure measure_;

  std::array<Level, kMaxLevel + 1> levels_;
  unsigned level_ = 0;
  std::vector<uint32_t> buffer_ = std::vector<uint32_t>(64);
  uint32_t packet_dwords_ = 0;
  uint32_t header_ = 0;
};

}  // namespace fakegpu::hw
