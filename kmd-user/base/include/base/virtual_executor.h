// SPDX-License-Identifier: MIT
// The virtual shell: one thread, one event queue, one seed. Time stands still while a task runs and
// jumps to the next event when it ends. Events that are due at the same instant run in an order
// drawn from the seed, so one seed is one interleaving and many seeds are many.
#pragma once

#include <random>
#include <vector>

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

  bool idle() const { return live_ == 0; }
  // When the next event is due; -1 when there is none.
  Nanos next_event() {
    drop_cancelled();
    return heap_.empty() ? -1 : heap_.front().when;
  }

 private:
  // An event's place in time. Its task is in a slot, so that moving it in the heap is cheap; when
  // it is cancelled the slot is free at once and the key stays until it comes up or keys like it
  // are the most. Between two events the front of the heap is never such a one; during an event it
  // is that event's own, whose place the first one posted takes.
  struct Key {
    Nanos when;
    uint64_t draw;  // from the seed: orders simultaneous events
    TimerId id;
    bool before(const Key& other) const {
      if (when != other.when) return when < other.when;
      return draw != other.draw ? draw < other.draw : id < other.id;
    }
  };
  struct Slot {
    Task task;
    TimerId id = 0;  // of the event in it; 0: free
  };
  // A TimerId's low bits say which slot, the rest how many events there were before.
  static constexpr unsigned kSlotBits = 24;

  Slot& slot_of(TimerId id) { return slots_[id & ((TimerId{1} << kSlotBits) - 1)]; }
  bool waits(TimerId id) { return slot_of(id).id == id; }
  TimerId add(Nanos when, Task&& task);
  Task take(TimerId id);
  void push_key(const Key& key);
  void replace_front(const Key& key);
  void pop_key();
  void drop_cancelled();

  std::vector<Key> heap_;  // a binary heap, the first event at its front
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;  // slots
  size_t live_ = 0;
  std::mt19937_64 random_;
  TimerId events_ = 0;
  Nanos now_;
};

}  // namespace fakegpu::base
