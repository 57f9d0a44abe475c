// SPDX-License-Identifier: MIT
#include "loop_uring.h"

#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr unsigned kEntries = 64;
// The completion of a write that failed.
constexpr uint64_t kWrite = 1ull << 62;
// Marks the completion of the request that cancels the watch with the other bits' id.
constexpr uint64_t kCancel = 1ull << 63;

int64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

// Whether a system call costs more than io_uring's bookkeeping for one, which is about half a
// microsecond. So it is where they are intercepted: user-mode Linux, gVisor. The best of several
// tries, as others run too.
bool calls_are_dear() {
  constexpr int64_t kDearNs = 1'500;
  int64_t best = kDearNs;
  for (int i = 0; i < 16; ++i) {
    const int64_t before = now_ns();
    ::syscall(SYS_getppid);
    ::syscall(SYS_getppid);
    best = std::min(best, (now_ns() - before) / 2);
  }
  return best >= kDearNs;
}

}  // namespace

base::Result<std::unique_ptr<Loop>> UringLoop::create() {
  auto wake = make_wake_fd();
  if (!wake) return tl::unexpected(std::move(wake).error());
  std::unique_ptr<UringLoop> loop(new UringLoop(std::move(*wake)));
  // One thread submits and reaps, and completions are made when it asks: no interrupts of running
  // callbacks. Kernels before 6.1 know less; the plain ring does the same more slowly.
  constexpr unsigned kPreferred = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
                                  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  int error = io_uring_queue_init(kEntries, &loop->ring_, kPreferred);
  if (error == -EINVAL)
    error = io_uring_queue_init(kEntries, &loop->ring_, IORING_SETUP_R_DISABLED);
  if (error < 0) return base::fail(-error, "io_uring_setup: error {}", -error);
  loop->open_ = true;
  // A child with the ring's memory would keep the ring, and with it every descriptor that is
  // watched, also when this process has died.
  if (error = io_uring_ring_dontfork(&loop->ring_); error < 0)
    return base::fail(-error, "io_uring_ring_dontfork: error {}", -error);
  loop->gather_ = (loop->ring_.features & IORING_FEAT_CQE_SKIP) != 0 && calls_are_dear();
  FAKEGPU_TRY(loop->watch_wake());
  return loop;
}

UringLoop::~UringLoop() {
  if (open_) io_uring_queue_exit(&ring_);
}

void UringLoop::enter() {
  if (enabled_) return;
  // liburing 2.3 declares a function for it and does not export it.
  if (::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) <
      0)
    base::log(base::LogLevel::kError, "enabling io_uring: {}", std::strerror(errno));
  enabled_ = true;
  // Saves the kernel a look-up in each call; it does without, too.
  (void)io_uring_register_ring_fd(&ring_);
}

io_uring_sqe* UringLoop::entry() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  return sqe;
}

base::Result<> UringLoop::arm(Watch& watch) {
  if (!enabled_ && io_uring_sq_space_left(&ring_) == 0)
    return base::fail(ENOSPC, "more than {} watches before the loop runs", kEntries);
  io_uring_sqe* sqe = entry();
  io_uring_prep_poll_add(sqe, watch.fd, POLLIN);
  io_uring_sqe_set_data64(sqe, watch.id);
  watch.armed = true;
  return {};
}

ssize_t UringLoop::write(int fd, std::span<const iovec> ranges) {
  size_t bytes = 0;
  for (const iovec& range : ranges) bytes += range.iov_len;
  if (!enabled_ || !gather_ || bytes > kWriteBytes || write_count_ == writes_.size())
    return LoopBase::write(fd, ranges);
  std::byte* const buffer = writes_[write_count_++].data();
  std::byte* at = buffer;
  for (const iovec& range : ranges) {
    if (range.iov_len != 0) std::memcpy(at, range.iov_base, range.iov_len);
    at += range.iov_len;
  }
  io_uring_sqe* sqe = entry();
  io_uring_prep_write(sqe, fd, buffer, static_cast<unsigned>(bytes), 0);
  io_uring_sqe_set_data64(sqe, kWrite);
  io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
  return static_cast<ssize_t>(bytes);
}

void UringLoop::disarm(Watch& watch) {
  cancel(watch.id);
  if (!enabled_) return;
  // The poll holds the open file until its last completion is there. A FUSE connection that is
  // to end must not live on in it.
  ending_ = watch.id;
  while (ending_ != 0) collect(true);
}

void UringLoop::cancel(WatchId id) {
  io_uring_sqe* sqe = entry();
  // Not the request to remove a poll, which gives up on one that is just reporting something.
  io_uring_prep_cancel64(sqe, id, 0);
  io_uring_sqe_set_data64(sqe, kCancel | id);
}

void UringLoop::handle(const io_uring_cqe& completion) {
  if (completion.user_data == (kCancel | ending_)) {
    // -ENOENT: the poll had ended by itself, and nothing more will come of it.
    if (completion.res == -ENOENT) ending_ = 0;
    if (completion.res == -EALREADY) cancel(ending_);
    return;
  }
  if (completion.user_data == ending_) {
    ending_ = 0;
    return;
  }
  Watch* watch = find(completion.user_data);
  if (watch == nullptr) return;
  // One that failed stays as it is, or the loop would never rest.
  if (completion.res < 0 && completion.res != -ECANCELED)
    base::log(base::LogLevel::kError, "poll of descriptor {}: error {}", watch->fd,
              -completion.res);
  else
    watch->armed = false;
  mark_ready(*watch);
}

void UringLoop::collect(bool block) {
  int error = 0;
  if (block)
    error = io_uring_submit_and_wait(&ring_, 1);
  else if (io_uring_sq_ready(&ring_) != 0)
    error = io_uring_submit(&ring_);
  if (error < 0 && error != -EINTR && error != -EAGAIN && error != -EBUSY) {
    base::log(base::LogLevel::kError, "io_uring_enter: error {}", -error);
    ending_ = 0;
    return stop();
  }
  if (io_uring_sq_ready(&ring_) == 0) write_count_ = 0;
  io_uring_cqe* completions[16];
  const unsigned count = io_uring_peek_batch_cqe(&ring_, completions, 16);
  for (unsigned i = 0; i < count; ++i) handle(*completions[i]);
  io_uring_cq_advance(&ring_, count);
}

}  // namespace fakegpu::cuse_dev
