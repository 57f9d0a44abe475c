// SPDX-License-Identifier: MIT
// The one lock of a device, and what is put off until it is released.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/handoff_mutex.h"

namespace fakegpu::drv {

// Ioctls, interrupt handlers and timers hold a Guard while they touch the driver's state. Before
// the lock is released the device settles (schedulers that were kicked run); after it is released
// the deferred tasks run: answers to transports, which may take locks of their own.
class DeviceLock final : public base::Clock {
 public:
  DeviceLock(const base::Clock& clock, base::Task settle)
      : clock_(clock), settle_(std::move(settle)) {}

  class FAKEGPU_ANNOTATE(scoped_lockable) Guard {
   public:
    explicit Guard(DeviceLock& lock) ACQUIRE(lock.mutex_);
    ~Guard() RELEASE();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    DeviceLock& lock_;
  };

  // Lock held. One time for all that happens under one hold of the lock: what a call pushed and
  // what the scheduler then started have the same, so that a recording of it can be replayed
  // exactly.
  base::Nanos now() const override {
    if (now_ == 0) now_ = clock_.now();
    return now_;
  }

  // Runs `task` once the lock is released, in the thread that releases it. Lock held.
  void defer(base::Task task) {
    if (first_)
      more_.push_back(std::move(task));
    else
      first_ = std::move(task);
  }

 private:
  const base::Clock& clock_;
  base::HandoffMutex mutex_;
  mutable base::Nanos now_ = 0;  // 0: nobody has asked since the lock was taken
  base::Task settle_;
  // What was deferred, in this order; mostly it is one task, and that costs no allocation.
  base::Task first_;
  std::vector<base::Task> more_;
};

}  // namespace fakegpu::drv
