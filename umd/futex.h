// SPDX-License-Identifier: MIT
// Sleeping on a word. Unlike a condition variable this tells of signals, which a caller of an ioctl
// has to see (-EINTR) whatever the transport.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace fakegpu::umd {

// Sleeps while *word == value. False: a signal handler ran. The far timeout is there because the
// kernel restarts a FUTEX_WAIT without one after handlers with SA_RESTART.
inline bool futex_wait(const std::atomic<uint32_t>* word, uint32_t value) {
  const timespec far = {1 << 30, 0};
  return ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &far, nullptr, 0) == 0 ||
         errno != EINTR;
}

// The same for memory that another process writes: at most `nanos`, whatever ends it.
inline void futex_wait_shared(const uint32_t* word, uint32_t value, int64_t nanos) {
  constexpr int64_t kSecond = 1'000'000'000;
  const timespec time = {nanos / kSecond, nanos % kSecond};
  ::syscall(SYS_futex, word, FUTEX_WAIT, value, &time, nullptr, 0);
}

inline void futex_wake(const std::atomic<uint32_t>* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace fakegpu::umd
