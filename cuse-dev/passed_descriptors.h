// SPDX-License-Identifier: MIT
// The descriptors that came with a client's message. They may be anything: what could block whoever
// closes it is closed in a thread of its own.
#pragma once

#include <cstddef>
#include <span>

#include "base/unique_fd.h"

struct msghdr;

namespace fakegpu::cuse_dev {

class PassedDescriptors {
 public:
  // The subject of the call, and what it takes.
  static constexpr size_t kMax = 2;

  // Whether some may be received at all: not while too many hang in being closed. The kernel drops
  // them otherwise, which does not block, and says MSG_CTRUNC.
  static bool may_receive();

  // Those of a received message.
  explicit PassedDescriptors(const msghdr& message);
  PassedDescriptors() = default;

  size_t count() const { return count_; }
  // One was of a kind that no client has a reason to send (ioctl::may_pass()); it is not among
  // these.
  bool bad() const { return bad_; }
  // The first that is left.
  base::UniqueFd next() { return std::move(descriptors_[next_++]); }

 private:
  base::UniqueFd descriptors_[kMax];
  size_t count_ = 0;
  size_t next_ = 0;
  bool bad_ = false;
};

}  // namespace fakegpu::cuse_dev
