// SPDX-License-Identifier: MIT
// Answers the calls of a run. Each is served by a thread of its own, so that one that takes long
// holds up nobody else's.
#pragma once

#include <mutex>
#include <optional>

#include "listener.h"
#include "owned.h"
#include "stat_calls.h"

namespace fakegpu::tools::run {

class Agent {
 public:
  // `stat_calls`: for a run with --dri. Starts to serve. The object must live as long as the
  // process: a thread may be held by a call whose daemon does not answer.
  Agent(umd::OwnedFd listener, std::optional<StatCalls> stat_calls);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Polls POLLHUP once no process of the run is left ...
  int fd() const { return listener_.fd(); }
  // ... and then this is true.
  bool is_alone() const;

 private:
  void start_worker();
  void work();
  void answer(const struct seccomp_notif& call) const;

  Listener listener_;
  const std::optional<StatCalls> stat_calls_;
  std::mutex receiving_;  // whose turn it is to take the next call
  std::mutex mutex_;
  unsigned idle_ = 0;  // workers without a call
};

}  // namespace fakegpu::tools::run
