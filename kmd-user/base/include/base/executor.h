// SPDX-License-Identifier: MIT
// Where work runs. The driver posts; a shell (virtual_executor.h, real_executor.h) decides when and
// on which thread. Tasks must not block and must not assume an order between two posts: the virtual
// shell draws the order of simultaneous tasks from its seed, the real one has several workers.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/unique_function.h"

namespace fakegpu::base {

using Task = UniqueFunction<void()>;

// Names one post_at(). Never reused; 0 names nothing.
using TimerId = uint64_t;

class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` as soon as possible, never inside this call.
  virtual void post(Task task) = 0;

  // Runs `task` at `when` or soon after; at once if `when` has passed. Never inside this call.
  virtual TimerId post_at(Nanos when, Task task) = 0;

  // True: the task will not run. False: it has run, is running, or is unknown. A caller that frees
  // what the task touches must exclude the running case by its own lock.
  virtual bool cancel(TimerId timer) = 0;

  // Runs one task that is due in the calling thread; false if there is none. For whoever has to
  // wait for posted work anyway (device bring-up, an in-process caller that is about to block): it
  // saves two hand-offs between threads. Under no lock.
  virtual bool run_one() = 0;

  // `word`, in memory shared with other processes, has changed: wakes the threads that sleep on it
  // (FUTEX_WAIT). Where nobody can sleep, as in virtual time, nothing.
  virtual void wake_sleepers(const uint32_t* word) = 0;
};

}  // namespace fakegpu::base
