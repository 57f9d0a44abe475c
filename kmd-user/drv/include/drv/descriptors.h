// SPDX-License-Identifier: MIT
// The caller's descriptor table, as far as its transport reaches it: what UserMemory is for memory.
// A call names at most one descriptor that it takes and one that it gives (ioctl::Row::fds); a
// transport that must ask another process fetches the former before the call. Real counterpart:
// fget(), get_unused_fd_flags() and fd_install().
#pragma once

#include <cstdint>
#include <memory>

#include "base/unique_fd.h"

namespace fakegpu::drv {

class File;

// What a descriptor of the caller's refers to.
struct TakenFd {
  int error = 0;         // 0; -EBADF: no such descriptor; else why it could not be had
  File* file = nullptr;  // an open file of this machine, valid during the call ...
  // ... or a duplicate of one that is not; neither: it is of a kind that no call wants
  base::UniqueFd foreign;
};

class Descriptors {
 public:
  virtual ~Descriptors() = default;

  // `fd` as the struct has it.
  virtual TakenFd take(int32_t fd) = 0;

  // Sets a descriptor number aside. 0; -EMFILE or -ENFILE; -EOPNOTSUPP: this transport cannot give
  // descriptors. Dropped with this object if nothing is installed.
  virtual int reserve(bool close_on_exec) = 0;

  // Puts `file` behind what was set aside: the number, for the struct; -1: the caller installs it
  // by itself. Under no lock of the driver. Closing the descriptor destroys the file.
  virtual int32_t install(std::unique_ptr<File> file) = 0;
};

}  // namespace fakegpu::drv
