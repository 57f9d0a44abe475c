// SPDX-License-Identifier: MIT
// Packets that block: WAIT_REG_MEM, POLL_REGMEM and the looping atomics. They look again by timer,
// at first soon and then ever later, so that an endless wait does not keep a core busy.
#pragma once

#include <cstdint>
#include <optional>

#include "operation.h"
#include "packets/stream.h"
#include "serial_task.h"

namespace fakegpu::hw {

class RegisterFile;

// (value & mask) <function> reference.
bool compare(packets::Compare function, uint32_t value, uint32_t mask, uint32_t reference);

// When to look next.
class Backoff {
 public:
  // `interval`: from the packet; a minimum.
  void begin(base::Nanos interval);
  base::Nanos next(base::Nanos now);

 private:
  base::Nanos interval_ = 0;
  base::Nanos delay_ = 0;
};

class PollOperation final : public Operation {
 public:
  static constexpr uint32_t kForever = UINT32_MAX;
  struct Condition {
    packets::Compare function;
    bool memory;
    uint64_t address;  // bytes; of a register its offset
    uint32_t reference;
    uint32_t mask;
    base::Nanos interval;
    uint32_t retries = kForever;  // looks after the first; then it goes on regardless
  };
  void begin(const Condition& condition, RegisterFile& registers);

  Outcome advance(Engine& engine) override;
  uint32_t status() const override { return reg::kRingWaiting; }

 private:
  Condition condition_{};
  RegisterFile* registers_ = nullptr;
  Backoff backoff_;
};

// A WAIT_REG_MEM whose condition nothing can make true: it need not look.
class EndlessWait final : public Operation {
 public:
  Outcome advance(Engine&) override { return Outcome::wait_until(SerialTask::kNever); }
  uint32_t status() const override { return reg::kRingWaiting; }
};

// One atomic operation. False: the memory access faulted. `swapped`: a compare-swap's compare was
// true.
bool atomic(Engine& engine, packets::AtomicOp op, uint64_t address, uint64_t data, uint64_t compare,
            bool* swapped);

// A compare-swap until it succeeds.
class SwapLoop final : public Operation {
 public:
  void begin(packets::AtomicOp op, uint64_t address, uint64_t data, uint64_t compare,
             base::Nanos interval);

  Outcome advance(Engine& engine) override;
  uint32_t status() const override { return reg::kRingWaiting; }

 private:
  packets::AtomicOp op_{};
  uint64_t address_ = 0;
  uint64_t data_ = 0;
  uint64_t compare_ = 0;
  Backoff backoff_;
};

}  // namespace fakegpu::hw
