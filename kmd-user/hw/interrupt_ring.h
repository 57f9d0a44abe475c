// SPDX-License-Identifier: MIT
// The interrupt ring (IH): engines put entries into a ring in system memory, then the handler of
// the function is called. One call at a time; entries that arrive during a call cause one more.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "base/unique_function.h"
#include "hw/fault_injector.h"
#include "hw/interrupt.h"
#include "hw/memory.h"

namespace fakegpu::hw {

class InterruptRing {
 public:
  InterruptRing(const Memory& memory, base::Clock& clock, base::Executor& executor,
                FaultInjector& faults)
      : memory_(memory), clock_(clock), executor_(executor), faults_(faults) {}
  InterruptRing(const InterruptRing&) = delete;

  // Stamps the entry and puts it on the ring, before the write pointer that covers it. True: the
  // caller calls deliver() later, once it holds nothing of the chip. Dropped while the ring is
  // disabled.
  bool raise(IhEntry entry);
  // Calls the handler, or leaves it to the thread that is in it to call it again.
  void deliver();

  // Waits for a running call of the old handler; so not from inside of it.
  void set_handler(base::UniqueFunction<void()> handler);

  // Registers as after power on; entries that were not read are lost.
  void power_up();

  // kIhBaseLo to kIhWptr. Any thread.
  uint32_t read(uint32_t offset) const;
  void write(uint32_t offset, uint32_t value);

 private:
  bool put(const IhEntry& entry);
  void call(uint32_t answered);
  uint32_t rptr() const REQUIRES(mutex_);
  void show_wptr() REQUIRES(mutex_);

  const Memory& memory_;
  base::Clock& clock_;
  base::Executor& executor_;
  FaultInjector& faults_;

  mutable base::Mutex mutex_;
  uint32_t base_[2] GUARDED_BY(mutex_) = {};
  uint32_t size_ GUARDED_BY(mutex_) = 0;
  bool enabled_ GUARDED_BY(mutex_) = false;
  uint32_t wptr_ GUARDED_BY(mutex_) = 0;
  bool overflow_ GUARDED_BY(mutex_) = false;
  std::atomic<uint32_t> rptr_{0};        // as it was written
  std::atomic<uint32_t> shown_wptr_{0};  // as kIhWptr reads; the driver asks for each entry

  // How often deliver() was called since nobody is in the handler; the first to come calls it.
  std::atomic<uint32_t> calls_{0};
  // Of the thread that has made calls_ not 0.
  base::UniqueFunction<void()> handler_;
};

}  // namespace fakegpu::hw
