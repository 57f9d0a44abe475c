// SPDX-License-Identifier: MIT
// Asking a connection for the descriptors of BOs and of the fence page: the same over the socket
// and over the channel.
#pragma once

#include <mutex>

#include "connection.h"
#include "transport.h"

namespace fakegpu::umd {

class FdRequests {
 public:
  // The arena for a BO in it, fetched once and kept; a memfd of its own for a shareable one.
  int bo_pages(Connection& connection, const BoRange& bo, BoPages* out);
  static int fence_pages(Connection& connection, FencePages* out);

  // Sends a request of `type` that is answered by kFdReply with a descriptor. -EMFILE: this process
  // has no number for it.
  static int ask(Connection& connection, ioctl::wire::Type type, std::span<std::byte> message,
                 OwnedFd* fd, ioctl::wire::FdReply* answer);

 private:
  static int request(Connection& connection, ioctl::wire::Type type, uint32_t handle, OwnedFd* fd,
                     ioctl::wire::FdReply* answer);

  std::mutex mutex_;
  OwnedFd arena_;
};

}  // namespace fakegpu::umd
