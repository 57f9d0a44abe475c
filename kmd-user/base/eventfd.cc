// SPDX-License-Identifier: MIT
#include "base/eventfd.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "base/mutex.h"

namespace fakegpu::base {

namespace {

// write() blocks when the counter is full, and whether it does so is a property of the open file
// that is shared with its owner. The kernel's own way never blocks, and a finished asynchronous
// read takes it.
class Signaller {
 public:
  static Signaller& instance() {
    // Never destroyed: a process may signal to its very end.
    static Signaller& one = *new Signaller;
    return one;
  }

  bool works() const { return source_ && context_ != 0; }

  void signal(int fd) {
    iocb read = {};
    read.aio_lio_opcode = IOCB_CMD_PREAD;
    read.aio_fildes = static_cast<uint32_t>(source_.get());
    read.aio_flags = IOCB_FLAG_RESFD;
    read.aio_resfd = static_cast<uint32_t>(fd);
    iocb* reads[] = {&read};
    MutexLock lock(mutex_);
    if (::syscall(SYS_io_submit, context_, 1L, reads) != 1) return;
    // A read of nothing from memory is done at once.
    io_event event;
    ::syscall(SYS_io_getevents, context_, 1L, 1L, &event, nullptr);
  }

 private:
  Signaller() : source_(::memfd_create("fakegpu-signal", MFD_CLOEXEC)) {
    if (::syscall(SYS_io_setup, 1L, &context_) != 0) context_ = 0;
  }

  UniqueFd source_;
  aio_context_t context_ = 0;
  Mutex mutex_;
};

bool is_eventfd(int fd) {
  std::array<char, 32> target;
  const ssize_t length =
      ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  return length > 0 &&
         std::string_view(target.data(), static_cast<size_t>(length)) == "anon_inode:[eventfd]";
}

}  // namespace

Result<EventFd> EventFd::adopt(UniqueFd fd) {
  if (!is_eventfd(fd.get())) return fail(EINVAL, "not an eventfd");
  if (!Signaller::instance().works()) return fail(ENOSYS, "no asynchronous I/O");
  return EventFd(std::move(fd));
}

void EventFd::signal() const {
  Signaller::instance().signal(fd_.get());
}

}  // namespace fakegpu::base
