// SPDX-License-Identifier: MIT
#include "listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fakegpu::tools::run {

namespace {

// A kernel with a larger struct writes all of it.
size_t notification_bytes() {
  struct seccomp_notif_sizes sizes = {};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return 0;
  return sizes.seccomp_notif;
}

}  // namespace

Listener::Listener(umd::OwnedFd fd)
    : fd_(std::move(fd)), buffer_(std::max(sizeof(seccomp_notif), notification_bytes())) {}

bool Listener::receive(struct seccomp_notif* call) {
  for (;;) {
    // NOTIF_RECV would block for ever once the last caller is gone.
    pollfd ready = {fd_.get(), POLLIN, 0};
    if (::poll(&ready, 1, -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if ((ready.revents & POLLIN) == 0) return false;
    std::ranges::fill(buffer_, std::byte{0});
    if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, buffer_.data()) == 0) {
      std::memcpy(call, buffer_.data(), sizeof(*call));
      return true;
    }
    // -ENOENT: the caller was killed meanwhile.
    if (errno != ENOENT && errno != EINTR) return false;
  }
}

bool Listener::waits(const struct seccomp_notif& call) const {
  uint64_t id = call.id;
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int Listener::install(const struct seccomp_notif& call, int fd, bool close_on_exec) const {
  struct seccomp_notif_addfd add = {};
  add.id = call.id;
  add.srcfd = static_cast<uint32_t>(fd);
  add.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  int result;
  do {
    result = ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &add);
  } while (result < 0 && errno == EINTR);
  return result >= 0 ? result : -errno;
}

void Listener::answer(const struct seccomp_notif& call, int result) const {
  send({.id = call.id, .val = 0, .error = result, .flags = 0});
}

void Listener::pass(const struct seccomp_notif& call) const {
  send({.id = call.id, .val = 0, .error = 0, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

void Listener::send(struct seccomp_notif_resp response) const {
  while (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) != 0 && errno == EINTR) {
  }
}

}  // namespace fakegpu::tools::run
