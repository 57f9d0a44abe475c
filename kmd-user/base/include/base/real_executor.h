// SPDX-License-Identifier: MIT
// The real shell: worker threads, a timer thread, CLOCK_MONOTONIC.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "base/mutex.h"

namespace fakegpu::base {

class MonotonicClock final : public Clock {
 public:
  Nanos now() const override;
};

// Destruction runs no further task: what is queued is dropped, what runs is waited for.
class RealExecutor final : public Executor {
 public:
  enum class Wake {
    kPrompt,  // a post wakes a worker
    // Whoever posts is likely to run the task itself, by run_one(): while there is work now and
    // then, a post wakes nobody, and one worker looks every kNap whether something was left to it.
    kLazy,
  };
  // How late a task may begin under kLazy, plus the time that a thread takes to wake up.
  static constexpr Nanos kNap = 40 * kNanosPerMicro;

  // `workers` threads run tasks; one more sleeps on the timers.
  explicit RealExecutor(unsigned workers, Wake wake = Wake::kPrompt);
  ~RealExecutor() override;

  void post(Task task) override;
  TimerId post_at(Nanos when, Task task) override;
  bool cancel(TimerId timer) override;

  bool run_one() override;
  void wake_sleepers(const uint32_t* word) override;

  // Stops and joins the threads early. Posts after it are dropped. Idempotent; not from a task.
  void stop();

  const Clock& clock() const { return clock_; }

 private:
  void work();
  void rest(std::unique_lock<std::mutex>& lock);
  void enqueue(Task task, bool prompt);
  void keep_time();
  void run_due(TimerId timer);

  MonotonicClock clock_;
  const Wake wake_;

  Mutex mutex_;
  std::condition_variable work_ready_;
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  unsigned sleeping_ GUARDED_BY(mutex_) = 0;
  bool napping_ GUARDED_BY(mutex_) = false;     // one of the sleeping wakes up by itself
  unsigned quiet_naps_ GUARDED_BY(mutex_) = 0;  // in a row, without a post
  bool stopping_ GUARDED_BY(mutex_) = false;

  Mutex timer_mutex_;
  std::condition_variable timer_changed_;
  std::map<std::pair<Nanos, TimerId>, Task> timers_ GUARDED_BY(timer_mutex_);
  std::unordered_map<TimerId, Nanos> deadlines_ GUARDED_BY(timer_mutex_);
  // Due and queued for a worker, but not begun, and so still to be cancelled.
  std::unordered_map<TimerId, Task> due_ GUARDED_BY(timer_mutex_);
  TimerId next_timer_ GUARDED_BY(timer_mutex_) = 1;
  bool timers_stopping_ GUARDED_BY(timer_mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace fakegpu::base
