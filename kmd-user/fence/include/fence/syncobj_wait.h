// SPDX-License-Identifier: MIT
// One SYNCOBJ_WAIT or TIMELINE_WAIT as a state machine that never blocks: it either knows its
// answer when it starts or calls back when it does. The timeout, the interrupt and the reply are
// the caller's. Each entry latches the first fence it sees; a later reset or replacement of the box
// does not change what is waited for. Under the device lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/unique_function.h"
#include "fence/syncobj.h"

namespace fakegpu::fence {

// As DRM_SYNCOBJ_WAIT_FLAGS_*.
struct WaitFlags {
  bool all = false;
  bool for_submit = false;
  bool available = false;
};

class SyncobjWait {
 public:
  struct Entry {
    SyncobjRef syncobj;
    uint64_t point = 0;
  };
  // The same, borrowed.
  struct Target {
    Syncobj* syncobj;
    uint64_t point;
  };
  struct Answer {
    int result = 0;                        // 0 or -EINVAL
    uint32_t first_signaled = UINT32_MAX;  // index; UINT32_MAX if none applies
  };
  // Called at most once, from the call that signals or submits; may destroy the wait.
  using Done = base::UniqueFunction<void(Answer)>;

  // What the wait's answer would be now. False: it would have to wait. Makes and registers nothing.
  // The answer and the flags go by reference: small structs in registers are put together in
  // memory, from parts narrower than they are read, which costs a stall each.
  static bool look(std::span<const Target> targets, const WaitFlags& flags, Answer& answer);

  // `deadline`: passed on to the latched fences unless 0.
  SyncobjWait(std::vector<Entry> entries, WaitFlags flags, base::Nanos deadline);
  SyncobjWait(std::span<const Target> targets, const WaitFlags& flags, base::Nanos deadline);
  // Unregisters everything; `done` will not be called.
  ~SyncobjWait();

  // One full check. An answer now, or nothing: then `done` follows when the condition becomes true.
  // Call once.
  std::optional<Answer> start(base::Nanos now, Done done);

  size_t size() const { return count_; }

 private:
  struct Slot;

  bool latch(Slot& slot);
  void follow(Slot& slot);
  void submitted(Slot& slot);
  void satisfied(Slot& slot);
  Answer conclude();
  void answer();

  std::unique_ptr<Slot[]> slots_;
  size_t count_;
  size_t missing_ = 0;  // entries to be satisfied before there is an answer
  base::Nanos deadline_;
  uint32_t first_signaled_ = UINT32_MAX;
  WaitFlags flags_;
  // Set while start() or submitted() is at work: they answer themselves, when they are through with
  // the slots that the answer may destroy.
  bool busy_ = true;
  Done done_;
};

}  // namespace fakegpu::fence
