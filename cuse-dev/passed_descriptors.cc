// SPDX-License-Identifier: MIT
#include "passed_descriptors.h"

#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

#include "ioctl/passing.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr unsigned kMaxClosing = 16;
std::atomic<unsigned> closing = 0;

void close_apart(base::UniqueFd descriptor) {
  ++closing;
  try {
    std::thread([descriptor = std::move(descriptor)]() mutable {
      descriptor.reset();
      --closing;
    }).detach();
  } catch (const std::system_error&) {
    // No thread to be had: it was closed with the thread's body.
    --closing;
  }
}

}  // namespace

bool PassedDescriptors::may_receive() {
  return closing < kMaxClosing;
}

PassedDescriptors::PassedDescriptors(const msghdr& message) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t bytes = c->cmsg_len - CMSG_LEN(0);
    for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int number;
      std::memcpy(&number, CMSG_DATA(c) + at, sizeof(number));
      base::UniqueFd descriptor(number);
      if (count_ < kMax && ioctl::may_pass(number)) {
        descriptors_[count_++] = std::move(descriptor);
      } else {
        bad_ = true;
        close_apart(std::move(descriptor));
      }
    }
  }
}

}  // namespace fakegpu::cuse_dev
