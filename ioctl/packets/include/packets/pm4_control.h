// SPDX-License-Identifier: MIT
// PM4 packets that steer the command processor: fillers, waits, branches and dispatches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packets/pm4_memory.h"
#include "packets/stream.h"

namespace fakegpu::packets::pm4 {

// Body: ignored. Without one the count field is all-ones (0xffff1000).
struct Nop {
  static constexpr uint8_t kOpcode = 0x10;
  static constexpr std::string_view kName = "NOP";
  Packet payload;  // 0 to kMaxNopBodyDwords dwords

  void encode(Words& out) const;
  static std::optional<Nop> parse(Packet packet);
  std::string describe() const;
  bool operator==(const Nop& other) const;
};

// Body: control, address lo, hi, reference, mask, interval.
// control: function [2:0], memory 4, engine 8. The write-then-wait operation ([7:6] = 1) is
// refused.
struct WaitRegMem {
  static constexpr uint8_t kOpcode = 0x3c;
  static constexpr std::string_view kName = "WAIT_REG_MEM";

  Compare function = Compare::kEqual;
  bool memory = true;  // else a register
  Engine engine = Engine::kMe;
  uint64_t address = 0;  // memory: 4-byte aligned; register: dword offset, 18 bits
  uint32_t reference = 0;
  uint32_t mask = 0xffffffff;
  uint16_t interval = 0x20;  // between polls, in units of 16 GPU clocks

  void encode(Words& out) const;
  static std::optional<WaitRegMem> parse(Packet packet);
  std::string describe() const;
  bool operator==(const WaitRegMem&) const = default;
};

// If the dword at `address` is 0, the next `count` dwords of this ring or IB are skipped. They must
// end at a packet's end within it.
// Body: address lo, hi, 0, count [13:0].
struct CondExec {
  static constexpr uint8_t kOpcode = 0x22;
  static constexpr std::string_view kName = "COND_EXEC";

  uint64_t address = 0;  // 4-byte aligned
  uint16_t count = 0;    // dwords, 14 bits

  void encode(Words& out) const;
  static std::optional<CondExec> parse(Packet packet);
  std::string describe() const;
  bool operator==(const CondExec&) const = default;
};

// Body: address lo, hi, control.
// control: dwords [19:0], chain 20, pre_enb 21, valid 23, vmid [27:24], pre_resume 30.
struct IndirectBuffer {
  static constexpr uint8_t kOpcode = 0x3f;
  static constexpr std::string_view kName = "INDIRECT_BUFFER";
  static constexpr uint32_t kMaxDwords = (1u << 20) - 1;

  uint64_t address = 0;  // 4-byte aligned
  uint32_t dwords = 0;   // 1 to kMaxDwords
  uint8_t vmid = 0;      // 0 to 15; only from the ring, an IB's own IBs inherit (and say 0)
  bool chain = false;    // replaces the rest of the current IB; only within one
  bool pre_enb = false;  // may be preempted between packets
  bool valid = true;
  bool pre_resume = false;  // resume where the context save area says

  void encode(Words& out) const;
  static std::optional<IndirectBuffer> parse(Packet packet);
  std::string describe() const;
  bool operator==(const IndirectBuffer&) const = default;
};

// Sets consecutive registers of the queue's SH bank (registers.h). Body: offset [15:0], values.
struct SetShReg {
  static constexpr uint8_t kOpcode = 0x76;
  static constexpr std::string_view kName = "SET_SH_REG";

  uint16_t offset = 0;  // dwords from sh::kBase
  Packet values;        // at least 1; offset + size at most sh::kCount

  void encode(Words& out) const;
  static std::optional<SetShReg> parse(Packet packet);
  std::string describe() const;
  bool operator==(const SetShReg& other) const;
};

// Runs the kernel that the SH registers name (kernels.h) over x * y * z workgroups.
// Body: x, y, z, initiator.
struct DispatchDirect {
  static constexpr uint8_t kOpcode = 0x15;
  static constexpr std::string_view kName = "DISPATCH_DIRECT";
  static constexpr uint64_t kMaxGroups = uint64_t{1}
                                         << 24;  // x * y * z; the chip has no such bound

  static constexpr uint32_t kComputeShaderEn = 1u << 0;
  static constexpr uint32_t kForceStartAt000 = 1u << 2;

  uint32_t x = 1;  // one that is 0: nothing runs
  uint32_t y = 1;
  uint32_t z = 1;
  uint32_t initiator = kComputeShaderEn;  // must have kComputeShaderEn; may have kForceStartAt000

  uint64_t groups() const { return uint64_t{x} * y * z; }  // of a parsed packet: <= kMaxGroups

  void encode(Words& out) const;
  static std::optional<DispatchDirect> parse(Packet packet);
  std::string describe() const;
  bool operator==(const DispatchDirect&) const = default;
};

}  // namespace fakegpu::packets::pm4
