// SPDX-License-Identifier: MIT
// A packet that takes more than one go: its whole state, so that it can be stopped and taken up
// again between any two goes. Each engine has one object of each kind that it needs; at most one is
// active.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "hw/registers.h"
#include "serial_task.h"

namespace fakegpu::hw {

class Engine;

// How much a reset takes with it.
enum class ResetLevel : uint8_t { kQueue, kBlock, kChip };

// What became of a packet, or of one go at it.
struct Outcome {
  enum class Kind : uint8_t {
    kDone,     // retire the packet, and skip `skip` dwords after it
    kEntered,  // an IB was entered; the packet retires when that ends
    kMore,     // not done: go on when it is the ring's turn again
    kUntil,    // not done: go on at `until` (SerialTask::kNever: when killed or reset)
    kFault,    // stop the queue, for `reason`
    kVmFault,  // stop the queue; EngineMemory::fault() says why
  };

  Kind kind = Kind::kDone;
  reg::FaultReason reason = reg::kFaultNone;
  uint32_t skip = 0;
  base::Nanos until = 0;

  static Outcome done() { return {}; }
  static Outcome skip_dwords(uint32_t count) { return {.skip = count}; }
  static Outcome entered() { return {.kind = Kind::kEntered}; }
  static Outcome more() { return {.kind = Kind::kMore}; }
  static Outcome wait_until(base::Nanos when) { return {.kind = Kind::kUntil, .until = when}; }
  static Outcome fault(reg::FaultReason reason) { return {.kind = Kind::kFault, .reason = reason}; }
  static Outcome vm_fault() { return {.kind = Kind::kVmFault}; }
  // Of an access that must succeed.
  static Outcome of(bool accessed) { return accessed ? done() : vm_fault(); }
};

class Operation {
 public:
  virtual ~Operation() = default;

  // One go, a bounded piece of work.
  virtual Outcome advance(Engine& engine) = 0;

  // Whether it is waves, so that killing the waves of its VMID ends it.
  virtual bool killable() const { return false; }
  // Whether a reset of that level ends it; that of the chip ends all.
  virtual bool ends_with(ResetLevel) const { return true; }
  // RingStatus bits while it is not done.
  virtual uint32_t status() const { return 0; }
  // kRingWorkgroup: workgroups, or units of work, that are done.
  virtual uint32_t progress() const { return 0; }
};

// a + b for times and spans that are not negative; never beyond kNever.
constexpr base::Nanos add_time(base::Nanos a, uint64_t b) {
  const uint64_t room = static_cast<uint64_t>(SerialTask::kNever - a);
  return b < room ? a + static_cast<base::Nanos>(b) : SerialTask::kNever;
}

}  // namespace fakegpu::hw
