// SPDX-License-Identifier: MIT
// A mutex that clang's thread-safety analysis understands, and the marks for what it guards.
#pragma once

#include <mutex>

#if defined(__clang__)
#define FAKEGPU_ANNOTATE(x) __attribute__((x))
#else
#define FAKEGPU_ANNOTATE(x)
#endif

#define GUARDED_BY(x) FAKEGPU_ANNOTATE(guarded_by(x))
#define REQUIRES(...) FAKEGPU_ANNOTATE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) FAKEGPU_ANNOTATE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) FAKEGPU_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) FAKEGPU_ANNOTATE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS FAKEGPU_ANNOTATE(no_thread_safety_analysis)

namespace fakegpu::base {

class FAKEGPU_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  // For condition variables.
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

class FAKEGPU_ANNOTATE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace fakegpu::base
