// SPDX-License-Identifier: MIT
// The virtual shell: one thread, one event queue, one seed. Time stands still while a task runs and
// jumps to the next event when it ends. Events that are due at the same instant run in an order
// drawn from the seed, so one seed is one interleaving and many seeds are many.
#pragma once

#include <map>
#include <random>
#include <unordered_map>

#include "base/executor.h"

namespace fakegpu::base {

class VirtualExecutor final : public Clock, public Executor {
 public:
  explicit VirtualExecutor(uint64_t seed, Nanos start = 0);
  ~VirtualExecutor() override;

  Nanos now() const override { return now_; }
  void post(Task task) override;
  TimerId post_at(Nanos when, Task task) override;
  bool cancel(TimerId timer) override;

  // Runs the next event; time jumps to it. False when there is none.
  bool step();
  bool run_one() override { return step(); }
  void wake_sleepers(const uint32_t*) override {}
  // Runs everything, timers included, until nothing is left. Returns the number of events.
  uint64_t run();
  // Runs the events due up to and including `when`; time then stands at `when`.
  void run_until(Nanos when);
  void run_for(Nanos span) { run_until(now_ + span); }

  bool idle() const { return queue_.empty(); }
  // When the next event is due; -1 when there is none.
  Nanos next_event() const { return queue_.empty() ? -1 : queue_.begin()->first.when; }

 private:
  struct Key {
    Nanos when;
    uint64_t draw;  // from the seed: orders simultaneous events
    TimerId id;
    auto operator<=>(const Key&) const = default;
  };

  std::map<Key, Task> queue_;
  std::unordered_map<TimerId, Key> keys_;
  std::mt19937_64 random_;
  TimerId next_id_ = 1;
  Nanos now_;
};

}  // namespace fakegpu::base
