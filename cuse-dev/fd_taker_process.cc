// SPDX-License-Identifier: MIT
#include "fd_taker_process.h"

#include <fakegpu_drm.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace fakegpu::cuse_dev {
namespace {

constexpr int kSocket = 3;
constexpr std::string_view kEventfd = "anon_inode:[eventfd]";
// Duplicates that must not be closed; with so many the process makes place for a new one.
constexpr unsigned kMaxKept = 64;

using Path = char[64];

enum class Kind { kNothing, kEventfd, kOurs };

// The process that has this thread: pidfd_open() takes no thread id. -1: it is not seen from here.
int32_t process_of(int32_t tid) {
  Path path;
  std::snprintf(path, sizeof(path), "/proc/%d/status", tid);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[1024];
  const ssize_t bytes = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  if (bytes <= 0) return -1;
  text[bytes] = '\0';
  constexpr std::string_view kName = "\nTgid:";
  const char* const line = std::strstr(text, kName.data());
  return line != nullptr ? static_cast<int32_t>(std::strtol(line + kName.size(), nullptr, 10)) : -1;
}

bool links_to_eventfd(const char* path) {
  char target[kEventfd.size() + 1];
  const ssize_t length = ::readlink(path, target, sizeof(target));
  return length >= 0 && std::string_view(target, static_cast<size_t>(length)) == kEventfd;
}

// Of a descriptor of this process. By what the kernel remembers: with DONT_SYNC no server of
// another file system is asked.
Kind kind_of(int descriptor, const TakeRequest& request) {
  Path path;
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
  if (links_to_eventfd(path)) return Kind::kEventfd;
  struct statx status;
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (::statx(descriptor, "", kFlags, STATX_TYPE, &status) != 0) return Kind::kNothing;
  for (const NodeIdentity& node : std::span(request.nodes).first(request.node_count)) {
    const bool ours = node.character
                          ? S_ISCHR(status.stx_mode) &&
                                node.device == makedev(status.stx_rdev_major, status.stx_rdev_minor)
                          : S_ISREG(status.stx_mode) &&
                                node.device == makedev(status.stx_dev_major, status.stx_dev_minor);
    if (ours) return Kind::kOurs;
  }
  return Kind::kNothing;
}

// Before it is duplicated: to close a duplicate is a request (FLUSH) to the file system's server,
// which may never answer. To open and close it as a path asks nobody. 0 or a negative errno.
int look_at(int32_t pid, int32_t fd, const TakeRequest& request, Kind& kind) {
  Path path;
  std::snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
  const int look = ::open(path, O_PATH | O_CLOEXEC);
  if (look < 0) return errno == ENOENT ? -EBADF : -EPERM;
  kind = kind_of(look, request);
  ::close(look);
  return 0;
}

int error_of(int error) {
  return error == EBADF ? -EBADF : -EPERM;
}

// What the duplicate, which is to be sent on, is; -1: none.
int take(const TakeRequest& request, TakeReply& reply, unsigned& kept) {
  const int32_t pid = request.tid > 0 ? process_of(request.tid) : -1;
  if (pid < 0) {
    reply.error = -EPERM;
    return -1;
  }
  const auto process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) {
    reply.error = -EPERM;
    return -1;
  }
  Kind kind = Kind::kNothing;
  reply.error = look_at(pid, request.fd, request, kind);
  if (kind == Kind::kNothing) {
    ::close(process);
    return -1;
  }
  const auto duplicate = static_cast<int>(::syscall(SYS_pidfd_getfd, process, request.fd, 0));
  if (duplicate < 0) reply.error = error_of(errno);
  ::close(process);
  if (duplicate < 0) return -1;
  // Again: the caller may have put something else behind the number meanwhile.
  kind = kind_of(duplicate, request);
  if (kind == Kind::kNothing) {
    ++kept;
    return -1;
  }
  if (kind == Kind::kEventfd) return duplicate;
  drm_fakegpu_identify identify = {};
  // An O_PATH descriptor is none to the kernel's calls either.
  if (::ioctl(duplicate, DRM_IOCTL_FAKEGPU_IDENTIFY, &identify) == 0)
    reply.file_id = identify.file_id;
  else
    reply.error = -EBADF;
  ::close(duplicate);
  return -1;
}

bool answer(const TakeReply& reply, int duplicate) {
  iovec range{const_cast<TakeReply*>(&reply), sizeof(reply)};  // NOLINT: sendmsg() only reads
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &range;
  message.msg_iovlen = 1;
  if (duplicate >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &duplicate, sizeof(int));
  }
  return ::sendmsg(kSocket, &message, MSG_NOSIGNAL) == sizeof(reply);
}

void keep_only(int socket) {
  ::dup2(socket, kSocket);
  ::syscall(SYS_close_range, kSocket + 1u, ~0u, 0u);
  const int null = ::open("/dev/null", O_RDWR);
  for (int standard = 0; standard < kSocket; ++standard) ::dup2(null, standard);
  if (null > kSocket) ::close(null);
}

}  // namespace

void run_fd_taker_process(int socket) {
  ::prctl(PR_SET_NAME, "fakegpud-fds");
  keep_only(socket);
  unsigned kept = 0;
  TakeRequest request;
  while (::recv(kSocket, &request, sizeof(request), 0) == sizeof(request)) {
    // Another process gets what comes now. To end with it unread would cost the owner the answers.
    if (kept >= kMaxKept) continue;
    TakeReply reply = {.id = request.id, .error = 0, .file_id = 0, .last = false};
    const int duplicate = take(request, reply, kept);
    reply.last = kept >= kMaxKept;
    const bool sent = answer(reply, duplicate);
    if (duplicate >= 0) ::close(duplicate);
    if (!sent) break;
  }
  ::_exit(0);
}

}  // namespace fakegpu::cuse_dev
