// SPDX-License-Identifier: MIT
// Asking a connection for the descriptors of BOs: the same over the socket and over the channel.
#pragma once

#include <mutex>

#include "connection.h"
#include "transport.h"

namespace fakegpu::umd {

class FdRequests {
 public:
  // The arena for a BO in it, fetched once and kept; a memfd of its own for a shareable one.
  int bo_pages(Connection& connection, const BoRange& bo, BoPages* out);

 private:
  static int request(Connection& connection, ioctl::wire::Type type, uint32_t handle, OwnedFd* fd,
                     uint64_t* offset);

  std::mutex mutex_;
  OwnedFd arena_;
};

}  // namespace fakegpu::umd
