// SPDX-License-Identifier: MIT
// A task of the executor that runs on one thread at a time, however many kicks, timers and register
// writes ask for it. What it works on needs no lock: whoever runs, or has entered, owns it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/unique_function.h"

namespace fakegpu::hw {

class SerialTask {
 public:
  static constexpr base::Nanos kNever = base::Nanos{1} << 62;

  // `body` runs entered and must leave() before it returns.
  SerialTask(base::Executor& executor, base::UniqueFunction<void()> body)
      : executor_(executor), body_(std::move(body)) {}
  SerialTask(const SerialTask&) = delete;
  ~SerialTask() { end(); }

  // The body will run, starting after this call. Any thread, takes no lock of its own.
  void kick();

  // Become the owner here and now. False: another thread is, and the body will run once more after
  // it.
  bool try_enter();
  // Give it up. `again`: the body is to run once more, soon.
  void leave(bool again);

  // The body will not run any more: waits for one that runs, in another thread; what is left in the
  // executor comes to nothing. Before anything goes that the body uses.
  void end() { presence_->end(); }

  // The body is to run at `when` (kNever: not by time). Replaces the time set before. Owner only.
  void set_timer(base::Nanos when);

 private:
  // kQueued without kRunning: a task is in the executor. Both: the owner posts one when it leaves.
  enum : uint32_t { kRunning = 1, kQueued = 2 };

  // What the executor's tasks hold: whether the SerialTask is still there for them.
  class Presence {
   public:
    // False: it is gone. Else it stays until leave().
    bool enter();
    void leave();
    // Returns once nobody is in; nobody gets in after.
    void end();

   private:
    static constexpr uint32_t kGone = 1;
    std::atomic<uint32_t> state_{0};  // 2 for each that is in, and kGone
  };

  // A task for the executor that calls `member` with `arguments`, if this still exists then.
  template <typename... Arguments>
  base::Task task(void (SerialTask::*member)(Arguments...), Arguments... arguments) {
    return [this, presence = presence_, member, arguments...] {
      if (!presence->enter()) return;
      (this->*member)(arguments...);
      presence->leave();
    };
  }

  void post();
  void start();
  void expire(base::Nanos when);

  base::Executor& executor_;
  base::UniqueFunction<void()> body_;
  std::shared_ptr<Presence> presence_ = std::make_shared<Presence>();
  std::atomic<uint32_t> state_{0};
  // When the armed timer is due; the timer itself takes it back when it fires.
  std::atomic<base::Nanos> due_{kNever};
  base::TimerId timer_ = 0;
};

}  // namespace fakegpu::hw
