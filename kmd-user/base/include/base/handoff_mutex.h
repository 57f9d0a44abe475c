// SPDX-License-Identifier: MIT
// A mutex for much data that threads lock often and shortly.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace fakegpu::base {

// Whoever comes back within a moment has it again, though another waits: what it guards then stays
// in one CPU's cache, and threads that contend are together about as fast as one alone. No release
// costs a system call for that. One of the waiters, the heir, looks on; the others sleep behind it.
// The heir takes the mutex when nobody has come back. When it has waited for kPatience, the next
// release leaves the mutex to it. It spins, and sleeps only through a hold that lasts, after which
// another thread may still be faster; so it waits for kPatience and two holds at most. (Linux:
// mutex_optimistic_spin(), MUTEX_FLAG_HANDOFF.)
class FAKEGPU_ANNOTATE(capability("mutex")) HandoffMutex {
 public:
  static constexpr Nanos kPatience = 100 * kNanosPerMicro;

  void lock() ACQUIRE() {
    if (!take(kFree)) wait();
    holds_.store(holds_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void unlock() RELEASE() {
    const bool due = heir_.load(std::memory_order_relaxed) == Heir::kDue;
    if (state_.exchange(due ? kReserved : kFree, std::memory_order_release) == kHeldAsleep)
      state_.notify_one();
  }

 private:
  // kHeldAsleep: the heir sleeps until it is released. kReserved: nobody holds it, the heir may.
  enum State : uint32_t { kFree, kHeld, kHeldAsleep, kReserved };
  enum class Heir : uint32_t { kNone, kPatient, kDue };

  bool take(uint32_t from) {
    return state_.compare_exchange_strong(from, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }
  void wait();
  bool try_as_heir();
  void sleep();

  // Written with every hold; apart from what only waiters write.
  alignas(64) std::atomic<uint32_t> state_{kFree};
  std::atomic<uint32_t> holds_{0};  // how many there were; written by the holder
  alignas(64) std::atomic<Heir> heir_{Heir::kNone};
  Mutex others_;  // held by the heir
};

}  // namespace fakegpu::base
