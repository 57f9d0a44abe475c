// SPDX-License-Identifier: MIT
#pragma once

#include <liburing.h>

#include <array>

#include "loop_base.h"

namespace fakegpu::cuse_dev {

// One poll per descriptor, armed anew after each report by the system call that waits: no read has
// to find out that there is nothing more. Where system calls are dear, replies go out with the same
// call, so that a request costs two, as with a server that blocks in read(). Reads stay plain:
// io_uring gains nothing there on /dev/cuse and /dev/fuse.
class UringLoop final : public LoopBase {
 public:
  static base::Result<std::unique_ptr<Loop>> create();
  ~UringLoop() override;
  ssize_t write(int fd, std::span<const iovec> ranges) override;
  std::string_view name() const override { return "uring"; }

 private:
  explicit UringLoop(base::UniqueFd wake) : LoopBase(std::move(wake)) {}

  base::Result<> arm(Watch& watch) override;
  void disarm(Watch& watch) override;
  void collect(bool block) override;
  void enter() override;

  // A free submission entry; submits the queued ones if there is none.
  io_uring_sqe* entry();
  void cancel(WatchId id);
  void handle(const io_uring_cqe& completion);

  io_uring ring_ = {};
  bool open_ = false;
  // The ring is enabled by the thread that runs the loop; the kernel then takes calls from no
  // other.
  bool enabled_ = false;
  bool gather_ = false;  // write() leaves the work to the call that waits
  WatchId ending_ = 0;   // the watch whose last completion disarm() waits for

  // Bytes of writes until they are submitted: the kernel is done with them then, as the descriptors
  // are nonblocking.
  static constexpr size_t kWriteBytes = 1024;
  std::array<std::array<std::byte, kWriteBytes>, 8> writes_;
  size_t write_count_ = 0;
};

}  // namespace fakegpu::cuse_dev
