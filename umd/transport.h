// SPDX-License-Identifier: MIT
// A way to an open file of the driver. The rest of the UMD knows only this.
#pragma once

#include <time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "owned.h"

namespace fakegpu::umd {

// Whether pointers come from the library, which made them, or from the application: the latter give
// -EFAULT when they are bad, also where no kernel stands between.
enum class Pointers { kTrusted, kChecked };

// A BO that wants a CPU mapping, as BO_MMAP and BO_CREATE described it.
struct BoRange {
  uint32_t handle;
  bool shareable;   // has pages of its own, outside of the arena
  uint64_t offset;  // from BO_MMAP
  uint64_t size;
  uint64_t features;  // DRM_FAKEGPU_FEATURE_* of the device
};

// What to mmap() for it.
struct BoPages {
  OwnedFd owned;  // if this mapping is the only user of the descriptor
  int fd = -1;
  uint64_t offset = 0;
};

// The file's fence page (struct drm_fakegpu_wait_seqno).
struct FencePages {
  OwnedFd fd;
  uint64_t size = 0;
  bool sleep = false;  // a sleep on it ends when a slot grows
};

// Any thread. Results are 0 or a negative errno; -ENODEV once the other side is gone.
class Transport {
 public:
  virtual ~Transport() = default;

  // As fakegpu_device_transport().
  virtual const char* name() const = 0;

  // One try: -EINTR and -EAGAIN are the caller's to repeat. Blocks as the ioctl does. Where the
  // call's row names descriptors (ioctl::Row::fds) they are this process's: one that the call gives
  // is open, close-on-exec, when this returns.
  virtual int ioctl(uint32_t command, void* arg, Pointers pointers) = 0;

  // The same on what such a call gave: a sync_file, sw_sync or dma-buf; from any process and open
  // file of this machine. -ENOTTY: `fd` is something else; -EBADF.
  virtual int fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) = 0;

  // Opens sw_sync: the caller's descriptor, close-on-exec, or a negative errno. -EOPNOTSUPP: the
  // transport has none.
  virtual int open_sw_sync() = 0;

  virtual int bo_pages(const BoRange& bo, BoPages* out) = 0;

  // `features`: DRM_FAKEGPU_FEATURE_* of the device. -EOPNOTSUPP: there is no way to it.
  virtual int fence_pages([[maybe_unused]] uint64_t features, [[maybe_unused]] FencePages* out) {
    return -EOPNOTSUPP;
  }

  // Whole DRM events that fit: how many bytes. -EAGAIN, or blocks (then -EINTR after a signal).
  virtual int read_events(std::span<std::byte> to, bool block) = 0;

  // Polls readable when there is an event; -1: the transport has no such descriptor.
  virtual int fd() const { return -1; }

  // The clock on which the driver's deadlines are.
  virtual int64_t now_ns() const {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
  }
};

// What the errors of a dead daemon mean to a client: the device is lost.
constexpr int device_lost(int result) {
  switch (result) {
    case -ECONNABORTED:
    case -ECONNRESET:
    case -ENOTCONN:
    case -EPIPE:
      return -ENODEV;
    default:
      return result;
  }
}

// `fd`: the node, a character device (CUSE) or a regular file (FUSE).
int open_node(OwnedFd fd, std::unique_ptr<Transport>* out);

// Which node of the device a transport opens that has no paths for them.
enum class Node { kRender, kPrimary };

// `socket`: connected, nothing sent yet.
int open_socket(OwnedFd socket, std::unique_ptr<Transport>* out, Node node = Node::kRender);

// `settings`: what follows "inprocess:".
int open_inprocess(const std::string& settings, std::unique_ptr<Transport>* out,
                   Node node = Node::kRender);

// What the in-process module gives the UMD. It is the same release or it is refused.
struct InprocessModule {
  const char* version;
  int (*open)(const std::string& settings, std::unique_ptr<Transport>* out, Node node);
};

// For a program that has the module linked in; else it is loaded at first use, by the symbol
// `extern "C" const InprocessModule fakegpu_inprocess_module`.
void register_inprocess(const InprocessModule& module);

}  // namespace fakegpu::umd
