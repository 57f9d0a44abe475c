// SPDX-License-Identifier: MIT
// A thread of which a test knows that it blocks.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include <sys/types.h>

namespace fakegpu::conformance {

class Client;

class BlockedThread {
 public:
  // Runs `body`, which makes one blocking call and little else.
  explicit BlockedThread(std::function<void()> body);
  ~BlockedThread();

  // Returns when the call sleeps, as /proc says. The call has then left this process; it may not
  // have arrived. Ends early if the body does.
  void wait_until_blocked() const;
  // Returns when the driver has the call too, and what is called on `client` from now on comes
  // after it. `client` is the one that `body` uses.
  void wait_until_arrived(const Client& client) const;

  pthread_t handle() { return thread_.native_handle(); }
  void join() { thread_.join(); }

 private:
  std::atomic<pid_t> id_{0};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace fakegpu::conformance
