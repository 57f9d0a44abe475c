// SPDX-License-Identifier: MIT
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

#include <utility>

namespace fakegpu::cuse_dev {

// Tells the kernel, once, that poll() may have a different answer now.
class PollWake {
 public:
  explicit PollWake(fuse_pollhandle* handle) : handle_(handle) {}
  PollWake(PollWake&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  PollWake& operator=(PollWake&&) = delete;
  ~PollWake() {
    if (handle_ != nullptr) fuse_pollhandle_destroy(handle_);
  }
  void operator()() {
    if (handle_ != nullptr) fuse_lowlevel_notify_poll(handle_);
  }

 private:
  fuse_pollhandle* handle_;
};

}  // namespace fakegpu::cuse_dev
