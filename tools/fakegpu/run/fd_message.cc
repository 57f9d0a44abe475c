// SPDX-License-Identifier: MIT
#include "fd_message.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace fakegpu::tools::run {

namespace {

struct Message {
  char byte = 0;
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};

  Message() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
  }
};

}  // namespace

int send_fd(int socket, int fd) {
  Message message;
  cmsghdr* const attached = CMSG_FIRSTHDR(&message.header);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof(fd));
  std::memcpy(CMSG_DATA(attached), &fd, sizeof(fd));
  return ::sendmsg(socket, &message.header, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

umd::OwnedFd receive_fd(int socket) {
  Message message;
  ssize_t got;
  do {
    got = ::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* const attached = got == 1 ? CMSG_FIRSTHDR(&message.header) : nullptr;
  if (attached == nullptr || attached->cmsg_type != SCM_RIGHTS) return umd::OwnedFd();
  int fd;
  std::memcpy(&fd, CMSG_DATA(attached), sizeof(fd));
  return umd::OwnedFd(fd);
}

}  // namespace fakegpu::tools::run
