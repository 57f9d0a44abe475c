// SPDX-License-Identifier: MIT
// The process behind ProcessFdTaker, and what the two say to each other: one message each way per
// descriptor, over a SOCK_SEQPACKET pair.
#pragma once

#include <cstdint>

#include "fd_taker.h"

namespace fakegpu::cuse_dev {

struct TakeRequest {
  uint64_t id;
  int32_t tid;
  int32_t fd;
  uint32_t node_count;
  NodeIdentity nodes[ProcessFdTaker::kMaxNodes];
};

struct TakeReply {
  uint64_t id;
  int32_t error;
  uint64_t file_id;  // an eventfd comes with the message
  bool last;         // the process answers no more, and ends with the socket
};

// Serves `socket` until its other end is closed, and ends the process. Closes every other
// descriptor. Runs in a fork of a process with threads: no memory is allocated, no lock taken.
[[noreturn]] void run_fd_taker_process(int socket);

}  // namespace fakegpu::cuse_dev
