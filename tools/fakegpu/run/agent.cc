// SPDX-License-Identifier: MIT
#include "agent.h"

#include <poll.h>

#include <thread>

#include "fd_calls.h"

namespace fakegpu::tools::run {

Agent::Agent(umd::OwnedFd listener, std::optional<StatCalls> stat_calls)
    : listener_(std::move(listener)), stat_calls_(std::move(stat_calls)) {
  start_worker();
}

bool Agent::is_alone() const {
  pollfd gone = {fd(), 0, 0};
  return ::poll(&gone, 1, 0) == 1 && (gone.revents & POLLHUP) != 0;
}

void Agent::start_worker() {
  {
    std::lock_guard lock(mutex_);
    ++idle_;
  }
  std::thread([this] { work(); }).detach();
}

void Agent::work() {
  for (;;) {
    struct seccomp_notif call = {};
    {
      std::lock_guard turn(receiving_);
      if (!listener_.receive(&call)) return;
    }
    bool last;
    {
      std::lock_guard lock(mutex_);
      last = --idle_ == 0;
    }
    if (last) start_worker();
    answer(call);
    std::lock_guard lock(mutex_);
    ++idle_;
  }
}

void Agent::answer(const struct seccomp_notif& call) const {
  if (stat_calls_ && stat_calls_->answer(listener_, call)) return;
  answer_fd_call(listener_, call);
}

}  // namespace fakegpu::tools::run
