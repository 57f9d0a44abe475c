// SPDX-License-Identifier: MIT
// The descriptors that a call over the socket names (ioctl::Row::fds): what goes with it, and the
// number for what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "connection.h"
#include "ioctl/table.h"
#include "ioctl/wire.h"
#include "owned.h"

namespace fakegpu::umd {

class CallFds {
 public:
  // `row`: nullptr for an unknown call. `arg`: the struct as the driver will see it. Sets a number
  // aside now if the call gives one, so that a full table is found where the kernel would.
  // `subject`: the descriptor that the call is on, or -1.
  CallFds(const ioctl::Row* row, std::span<const std::byte> arg, int subject);

  // `fd`, if it may go over the socket: a duplicate of it, for which another thread cannot put
  // something else. -1: it may not.
  static int hold(int fd, OwnedFd& duplicate);

  ioctl::wire::Taken taken() const { return taken_; }
  int reserved() const { return error_; }
  std::span<const int> passed() const { return std::span(passed_).first(count_); }

  // The call has succeeded: moves the descriptor of its reply to the number set aside and writes
  // that into the struct, as far as `out` has it. 0 or a negative errno.
  int install(Connection::Reply& reply, std::span<std::byte> out);
  // The caller has the number now; else it is closed.
  void release() { static_cast<void>(given_.release()); }

 private:
  const int16_t gives_;
  ioctl::wire::Taken taken_ = ioctl::wire::Taken::kNone;
  int error_ = 0;
  int passed_[Connection::kMaxFds] = {};
  size_t count_ = 0;
  OwnedFd taken_fd_;
  OwnedFd given_;
};

}  // namespace fakegpu::umd
