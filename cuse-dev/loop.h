// SPDX-License-Identifier: MIT
// The daemon's one wait point: descriptors, and tasks from other threads. Two implementations
// behind one interface: io_uring, and epoll for machines where io_uring is forbidden.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/executor.h"
#include "base/result.h"
#include "base/unique_function.h"

namespace fakegpu::cuse_dev {

// Called when a descriptor is readable, in error or hung up. It handles one unit of work (one
// request, one connection) and returns true, to be called again after others had their turn; or it
// finds nothing to do (EAGAIN) and returns false, to be called at the next arrival. So the
// descriptor must be nonblocking, and false may only follow an EAGAIN.
using Readable = base::UniqueFunction<bool()>;

class Loop {
 public:
  // Never 0, never reused.
  using WatchId = uint64_t;

  virtual ~Loop() = default;

  // In the thread of run(), or in the one that will call it, before it does. `fd` is borrowed: it
  // stays open until unwatch().
  virtual WatchId watch(int fd, Readable readable) = 0;

  // In the same threads, also from inside the watch's own callback. After it, the loop holds no
  // reference to the open file.
  virtual void unwatch(WatchId id) = 0;

  // Writes the ranges, as one writev(), before the loop waits the next time: for a reply that may
  // fail without anybody minding, on a nonblocking descriptor that never makes the writer wait. In
  // the thread of run(), from inside a callback. Returns the bytes that the ranges have, or what
  // writev() returns.
  virtual ssize_t write(int fd, std::span<const iovec> ranges) = 0;

  // Runs `task` in run()'s thread. Any thread. Tasks posted after run() has returned for good are
  // dropped with the loop.
  virtual void post(base::Task task) = 0;

  // Serves until stop(). May be called again, always from the same thread.
  virtual void run() = 0;

  // Makes the current or the next run() return once its callbacks have. Any thread.
  virtual void stop() = 0;

  virtual std::string_view name() const = 0;
};

enum class LoopKind { kAuto, kUring, kEpoll };

// "auto", "uring", "epoll".
std::optional<LoopKind> parse_loop_kind(std::string_view name);

// kAuto takes io_uring if this machine lets us, else epoll. kUring fails with what forbids it.
base::Result<std::unique_ptr<Loop>> make_loop(LoopKind kind);

}  // namespace fakegpu::cuse_dev
