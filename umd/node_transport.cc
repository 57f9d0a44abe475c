// SPDX-License-Identifier: MIT
// The device node: a character device (CUSE) or a FUSE file. Descriptors come over the channel,
// since an ioctl of a userspace device cannot hand them out.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstring>
#include <mutex>

#include <fakegpu_drm.h>

#include "caller_memory.h"
#include "connection.h"
#include "fd_requests.h"
#include "node_claims.h"
#include "transport.h"

namespace fakegpu::umd {

namespace {

class NodeTransport final : public Transport {
 public:
  NodeTransport(OwnedFd fd, const struct stat& status)
      : fd_(std::move(fd)), owner_(status.st_uid), character_(S_ISCHR(status.st_mode)) {}

  const char* name() const override { return character_ ? "cuse" : "fuse"; }
  int fd() const override { return fd_.get(); }

  int ioctl(uint32_t command, void* arg, Pointers pointers) override {
    return fd_ioctl(fd_.get(), command, arg, pointers);
  }

  // What such a call gave is an open file of a node, too. Unless it gives a descriptor itself the
  // kernel checks every pointer.
  int fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) override {
    if (const ioctl::Row* row = claimed_row(command))
      return device_lost(with_caller_memory(pointers, [&](ioctl::UserMemory& memory) {
        return claim_ioctl(fd, *row, command, arg, memory);
      }));
    const int result = ::ioctl(fd, command, arg);
    return result >= 0 ? result : device_lost(-errno);
  }

  int open_sw_sync() override {
    const int fd = open_beside(fd_.get(), "sw_sync", O_RDWR | O_CLOEXEC);
    return fd == -ENOENT ? -EOPNOTSUPP : fd;
  }

  int bo_pages(const BoRange& bo, BoPages* out) override {
    const bool mmap = bo.features & DRM_FAKEGPU_FEATURE_MMAP;
    const bool channel = bo.features & DRM_FAKEGPU_FEATURE_CHANNEL;
    // mmap() of the node reaches the arena; a shareable BO is elsewhere.
    if (mmap && !(bo.shareable && channel)) {
      out->fd = fd_.get();
      out->offset = bo.offset;
      return 0;
    }
    if (!channel) return -EOPNOTSUPP;
    const int result = join();
    return result == 0 ? fds_.bo_pages(*channel_, bo, out) : result;
  }

  int fence_pages(uint64_t features, FencePages* out) override {
    if (!(features & DRM_FAKEGPU_FEATURE_CHANNEL)) return -EOPNOTSUPP;
    const int result = join();
    return result == 0 ? FdRequests::fence_pages(*channel_, out) : result;
  }

  int read_events(std::span<std::byte> to, bool block) override {
    for (;;) {
      {
        // Between poll() and read() nobody else may take the event, or read() would block.
        std::lock_guard lock(read_mutex_);
        pollfd readable = {fd_.get(), POLLIN, 0};
        if (::poll(&readable, 1, 0) < 0) return -errno;
        if (readable.revents != 0) {
          const ssize_t got = ::read(fd_.get(), to.data(), to.size());
          if (got > 0) return static_cast<int>(got);
          return got == 0 ? -ENODEV : device_lost(-errno);
        }
      }
      if (!block) return -EAGAIN;
      pollfd readable = {fd_.get(), POLLIN, 0};
      if (::poll(&readable, 1, -1) < 0) return -errno;
    }
  }

 private:
  int join() {
    std::lock_guard lock(channel_mutex_);
    if (channel_) return 0;
    struct drm_fakegpu_channel channel = {};
    int result;
    do {
      result = ioctl(DRM_IOCTL_FAKEGPU_CHANNEL, &channel, Pointers::kTrusted);
    } while (result == -EINTR || result == -EAGAIN);
    if (result != 0) return result;
    OwnedFd socket;
    const std::string path(channel.path, strnlen(channel.path, sizeof(channel.path)));
    result = Connection::connect(path, owner_, &socket);
    if (result != 0) return result;
    auto connection = std::make_unique<Connection>(std::move(socket));
    const uint64_t token[2] = {channel.token[0], channel.token[1]};
    result = connection->hello(token);
    if (result == 0) channel_ = std::move(connection);
    return result;
  }

  OwnedFd fd_;
  const uid_t owner_;
  const bool character_;
  std::mutex read_mutex_;
  std::mutex channel_mutex_;
  std::unique_ptr<Connection> channel_;
  FdRequests fds_;
};

}  // namespace

int open_node(OwnedFd fd, std::unique_ptr<Transport>* out) {
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return -errno;
  *out = std::make_unique<NodeTransport>(std::move(fd), status);
  return 0;
}

}  // namespace fakegpu::umd
