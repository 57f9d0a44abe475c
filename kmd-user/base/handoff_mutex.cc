// SPDX-License-Identifier: MIT
#include "base/handoff_mutex.h"

#include <algorithm>

#include "base/pause.h"
#include "base/real_executor.h"

namespace fakegpu::base {

namespace {

// Pauses between two looks at the state. Each takes its cache line from the holder, so they become
// rare.
constexpr unsigned kFirstPauses = 4;
constexpr unsigned kMostPauses = 1024;
// Who has not come back after so many pauses has something else to do.
constexpr unsigned kMoment = 8;
// A hold that is seen for so long is slept through: its holder does much, or has no CPU.
constexpr Nanos kLongHold = 5 * kNanosPerMicro;

void pause_times(unsigned times) {
  for (unsigned i = 0; i < times; ++i) pause();
}

}  // namespace

// Takes the mutex if it is the heir's.
bool HandoffMutex::try_as_heir() {
  const State state{state_.load(std::memory_order_relaxed)};
  if (state == kReserved) return take(kReserved);
  if (state != kFree) return false;
  if (heir_.load(std::memory_order_relaxed) == Heir::kPatient) {
    const uint32_t before = holds_.load(std::memory_order_relaxed);
    pause_times(kMoment);
    if (holds_.load(std::memory_order_relaxed) != before) return false;
  }
  return take(kFree);
}

// Until the hold that goes on ends.
void HandoffMutex::sleep() {
  uint32_t held = kHeld;
  if (state_.compare_exchange_strong(held, kHeldAsleep, std::memory_order_relaxed))
    state_.wait(kHeldAsleep, std::memory_order_relaxed);
}

void HandoffMutex::wait() {
  // The heir may just be leaving with the mutex.
  for (int i = 0; i < 16 && heir_.load(std::memory_order_relaxed) != Heir::kNone; ++i)
    pause_times(kMoment);
  const MutexLock heir(others_);
  heir_.store(Heir::kPatient, std::memory_order_relaxed);
  const MonotonicClock clock;
  const Nanos begin = clock.now();
  Nanos hold_begin = begin;
  uint32_t hold = holds_.load(std::memory_order_relaxed);
  for (unsigned pauses = kFirstPauses; !try_as_heir(); pauses = std::min(pauses * 2, kMostPauses)) {
    pause_times(pauses);
    const Nanos now = clock.now();
    if (now - begin >= kPatience && heir_.load(std::memory_order_relaxed) != Heir::kDue) {
      heir_.store(Heir::kDue, std::memory_order_relaxed);
      pauses = kFirstPauses;
    }
    const uint32_t seen = holds_.load(std::memory_order_relaxed);
    if (seen != hold) {
      hold = seen;
      hold_begin = now;
    } else if (now - hold_begin >= kLongHold) {
      sleep();
      hold_begin = clock.now();
      pauses = kFirstPauses;
    }
  }
  heir_.store(Heir::kNone, std::memory_order_relaxed);
}

}  // namespace fakegpu::base
