// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "drv/native_descriptors.h"
#include "ioctl/passing.h"

namespace fakegpu::drv {

NativeCall::~NativeCall() {
  if (reserved_) registry_.release(share_);
}

TakenFd NativeCall::take(int32_t fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  // As fget(): what was opened with O_PATH is no file to use.
  if (flags < 0 || flags & O_PATH) return {.error = -EBADF};
  taken_ = registry_.find(fd);
  if (taken_) return {.file = taken_.get()};
  // No call has a use for it, and to close a duplicate may block.
  if (!ioctl::may_pass(fd)) return {};
  base::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return {.error = copy ? 0 : -errno, .foreign = std::move(copy)};
}

TakenFd NativeCall::take_owned(base::UniqueFd fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || flags & O_PATH) return {.error = -EBADF};
  taken_ = registry_.find(fd.get());
  if (taken_) return {.file = taken_.get()};
  return {.foreign = std::move(fd)};
}

int NativeCall::reserve(bool close_on_exec) {
  int ends[2];
  if (const int error = registry_.charge(share_)) return error;
  reserved_ = true;
  close_on_exec_ = close_on_exec;
  // All that may fail: the read end is the number that is set aside.
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return give_up(errno);
  given_.reset(ends[0]);
  write_end_.reset(ends[1]);
  for (base::UniqueFd& spare : spare_) {
    spare.reset(::fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
    if (!spare) return give_up(errno);
  }
  return 0;
}

int NativeCall::give_up(int error) {
  reserved_ = false;
  given_.reset();
  write_end_.reset();
  for (base::UniqueFd& spare : spare_) spare.reset();
  registry_.release(share_);
  return -error;
}

int32_t NativeCall::install(std::unique_ptr<File> file) {
  const std::shared_ptr<File> shared = std::move(file);
  reserved_ = false;
  for (base::UniqueFd& spare : spare_) spare.reset();
  base::UniqueFd opened;
  const auto pages = shared->pages();
  // Memory that cannot be opened again still has a descriptor, which cannot be mapped.
  if (pages && registry_.add_memory(shared, share_, *pages, opened)) {
    ::dup3(opened.get(), given_.get(), O_CLOEXEC);
    write_end_.reset();
  } else {
    registry_.add_pipe(shared, share_, given_.get(), std::move(write_end_));
  }
  if (!close_on_exec_) ::fcntl(given_.get(), F_SETFD, 0);
  return given_.get();
}

}  // namespace fakegpu::drv
