// SPDX-License-Identifier: MIT
// stat and its relatives in a run with --dri: a node that is a regular file, or has numbers of its
// own, shows those of a DRM device, as libdrm asks for.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "listener.h"

namespace fakegpu::tools::run {

// A file by what stat says of it, and the device number that it is to show.
struct ShownNode {
  dev_t device;
  ino_t inode;
  dev_t number;
};

// The system calls that StatCalls answers.
std::span<const int> stat_call_numbers();

class StatCalls {
 public:
  explicit StatCalls(std::vector<ShownNode> nodes) : nodes_(std::move(nodes)) {}

  // False: not one of stat_call_numbers(), and nothing was done. Any thread.
  bool answer(const Listener& listener, const struct seccomp_notif& call) const;

 private:
  const std::vector<ShownNode> nodes_;
};

}  // namespace fakegpu::tools::run
