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
  // `workers` threads run tasks; one more sleeps on the timers.
  explicit RealExecutor(unsigned workers);
  ~RealExecutor() override;

  void post(Task task) override;
  TimerId post_at(Nanos when, Task task) override;
  bool cancel(TimerId timer) override;

  bool run_one() override;

  // Stops and joins the threads early. Posts after it are dropped. Idempotent; not from a task.
  void stop();

  const Clock& clock() const { return clock_; }

 private:
  void work();
  void keep_time();
  void run_due(TimerId timer);

  MonotonicClock clock_;

  Mutex mutex_;
  std::condition_variable work_ready_;
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  unsigned sleeping_ GUARDED_BY(mutex_) = 0;
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
