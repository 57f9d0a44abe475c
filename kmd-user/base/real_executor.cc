// SPDX-License-Identifier: MIT
#include "base/real_executor.h"

#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <climits>

namespace fakegpu::base {

namespace {

// Naps cost little, but an idle process must not be seen in the list of those that run.
constexpr unsigned kMaxQuietNaps = 25;
// The kernel's default slack is longer than a nap.
constexpr unsigned long kTimerSlackNs = 1'000;

}  // namespace

Nanos MonotonicClock::now() const {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNanosPerSecond + time.tv_nsec;
}

RealExecutor::RealExecutor(unsigned workers, Wake wake) : wake_(wake) {
  threads_.reserve(workers + 1);
  for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  threads_.emplace_back([this] { keep_time(); });
}

RealExecutor::~RealExecutor() {
  stop();
}

void RealExecutor::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_ready_.notify_all();
  {
    MutexLock lock(timer_mutex_);
    timers_stopping_ = true;
  }
  timer_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();

  // Dropped outside the locks and with all tables intact: what a task owns may post or cancel.
  std::deque<Task> tasks;
  {
    MutexLock lock(mutex_);
    tasks.swap(queue_);
  }
  std::map<std::pair<Nanos, TimerId>, Task> timers;
  std::unordered_map<TimerId, Task> due;
  {
    MutexLock lock(timer_mutex_);
    timers.swap(timers_);
    due.swap(due_);
    deadlines_.clear();
  }
}

void RealExecutor::post(Task task) {
  enqueue(std::move(task), wake_ == Wake::kPrompt);
}

void RealExecutor::enqueue(Task task, bool prompt) {
  bool wake;
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(task));
    quiet_naps_ = 0;
    wake = sleeping_ > 0 && (prompt || !napping_);
  }
  if (wake) work_ready_.notify_one();
}

bool RealExecutor::run_one() {
  Task task;
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.empty()) return false;
    task = std::move(queue_.front());
    queue_.pop_front();
  }
  task();
  return true;
}

void RealExecutor::wake_sleepers(const uint32_t* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void RealExecutor::rest(std::unique_lock<std::mutex>& lock) NO_THREAD_SAFETY_ANALYSIS {
  ++sleeping_;
  if (wake_ == Wake::kLazy && !napping_ && quiet_naps_ < kMaxQuietNaps) {
    napping_ = true;
    ++quiet_naps_;
    work_ready_.wait_for(lock, std::chrono::nanoseconds(kNap));
    napping_ = false;
  } else {
    work_ready_.wait(lock);
  }
  --sleeping_;
}

void RealExecutor::work() NO_THREAD_SAFETY_ANALYSIS {
  if (wake_ == Wake::kLazy) ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  std::unique_lock lock(mutex_.native());
  while (!stopping_) {
    if (queue_.empty()) {
      rest(lock);
      continue;
    }
    Task task = std::move(queue_.front());
    queue_.pop_front();
    // What came while this one napped woke nobody, and this one may be busy for long now.
    const bool more = wake_ == Wake::kLazy && !queue_.empty() && sleeping_ > 0;
    lock.unlock();
    if (more) work_ready_.notify_one();
    task();
    task = nullptr;
    lock.lock();
  }
}

TimerId RealExecutor::post_at(Nanos when, Task task) {
  MutexLock lock(timer_mutex_);
  const TimerId id = next_timer_++;
  if (timers_stopping_) return id;
  const auto at = timers_.emplace(std::pair(when, id), std::move(task)).first;
  deadlines_.emplace(id, when);
  if (at == timers_.begin()) timer_changed_.notify_one();
  return id;
}

bool RealExecutor::cancel(TimerId timer) {
  // Declared before the lock and so destroyed after it: a task may own what cancels other timers.
  Task dropped;
  MutexLock lock(timer_mutex_);
  if (auto due = due_.extract(timer)) {
    dropped = std::move(due.mapped());
    return true;
  }
  const auto deadline = deadlines_.find(timer);
  if (deadline == deadlines_.end()) return false;
  auto node = timers_.extract({deadline->second, timer});
  dropped = std::move(node.mapped());
  deadlines_.erase(deadline);
  return true;
}

void RealExecutor::keep_time() NO_THREAD_SAFETY_ANALYSIS {
  std::unique_lock lock(timer_mutex_.native());
  while (!timers_stopping_) {
    if (timers_.empty()) {
      timer_changed_.wait(lock);
      continue;
    }
    const Nanos due = timers_.begin()->first.first;
    if (due > clock_.now()) {
      // steady_clock is CLOCK_MONOTONIC.
      const std::chrono::steady_clock::time_point at{std::chrono::nanoseconds(due)};
      timer_changed_.wait_until(lock, at);
      continue;
    }
    auto node = timers_.extract(timers_.begin());
    const TimerId timer = node.key().second;
    deadlines_.erase(timer);
    due_.emplace(timer, std::move(node.mapped()));
    lock.unlock();
    // Nobody who would help waits in this thread.
    enqueue([this, timer] { run_due(timer); }, true);
    lock.lock();
  }
}

void RealExecutor::run_due(TimerId timer) {
  Task task;
  {
    MutexLock lock(timer_mutex_);
    auto due = due_.extract(timer);
    if (!due) return;
    task = std::move(due.mapped());
  }
  task();
}

}  // namespace fakegpu::base
