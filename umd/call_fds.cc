// SPDX-License-Identifier: MIT
#include "call_fds.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <cstring>

#include "ioctl/passing.h"

namespace fakegpu::umd {

namespace wire = ioctl::wire;

int CallFds::hold(int fd, OwnedFd& duplicate) {
  if (!ioctl::may_pass(fd)) return -1;
  duplicate = OwnedFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  // In a full table what the number names has to do.
  if (!duplicate) return fd;
  return ioctl::may_pass(duplicate.get()) ? duplicate.get() : -1;
}

CallFds::CallFds(const ioctl::Row* row, std::span<const std::byte> arg, int subject)
    : gives_(row ? row->fds.gives : int16_t{-1}) {
  if (subject >= 0) passed_[count_++] = subject;
  if (row && row->fds.takes >= 0) {
    int32_t fd;
    std::memcpy(&fd, arg.data() + row->fds.takes, sizeof(fd));
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || flags & O_PATH) {
      taken_ = wire::Taken::kClosed;
    } else if (const int held = hold(fd, taken_fd_); held < 0) {
      taken_ = wire::Taken::kForeign;
    } else {
      taken_ = wire::Taken::kPassed;
      passed_[count_++] = held;
    }
  }
  if (gives_ >= 0) {
    given_ = OwnedFd(::eventfd(0, EFD_CLOEXEC));
    if (!given_) error_ = errno == ENFILE ? -ENFILE : -EMFILE;
  }
}

int CallFds::install(Connection::Reply& reply, std::span<std::byte> out) {
  if (gives_ < 0) return 0;
  // It came when this process had no number left for a moment.
  if (!reply.fd) return -EMFILE;
  wire::IoctlReply head;
  std::memcpy(&head, reply.bytes.data(), sizeof(head));
  const int flags = head.flags & wire::kKeepOnExec ? 0 : O_CLOEXEC;
  if (::dup3(reply.fd.get(), given_.get(), flags) < 0) return -errno;
  const int32_t number = given_.get();
  const size_t at = static_cast<size_t>(gives_);
  if (out.size() >= at + sizeof(number)) std::memcpy(out.data() + at, &number, sizeof(number));
  return 0;
}

}  // namespace fakegpu::umd
