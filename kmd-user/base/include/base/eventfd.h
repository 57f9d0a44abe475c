// SPDX-License-Identifier: MIT
// Somebody else's eventfd, to be counted up when something has happened.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::base {

class EventFd {
 public:
  // -EINVAL: `fd` is no eventfd; -ENOSYS: this system cannot signal one without blocking.
  static Result<EventFd> adopt(UniqueFd fd);

  // Adds 1, any thread. Never blocks, whatever its other holders do with it: at the counter's limit
  // nothing is added. Real counterpart: eventfd_signal().
  void signal() const;

 private:
  explicit EventFd(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace fakegpu::base
