// SPDX-License-Identifier: MIT
// Objects that are made, shared, dropped and lost with their owners, in any order: at the end
// nothing is left of them. Processes that are killed take part, so this is about the daemon's
// process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>

#include "client.h"
#include "fd_table.h"
#include "pass_fd.h"

namespace fakegpu::conformance {
namespace {

constexpr unsigned kProcesses = 12;
constexpr unsigned kSteps = 60;
constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;

// One process that makes and shares what it can get. `common`: a datagram socket on which all pass
// descriptors on.
class Player {
 public:
  Player(uint64_t seed, int common) : random_(seed), common_(common) {}

  void play() {
    for (unsigned i = 0; i < kSteps; ++i) {
      Client& client = clients_[pick(2)];
      switch (pick(9)) {
        case 0:
          handles_.push_back(client.make_syncobj(static_cast<uint32_t>(pick(2))));
          break;
        case 1:
          make_bo(client, pick(2) ? DRM_FAKEGPU_BO_SHAREABLE : 0);
          break;
        case 2:
          keep(client.handle_to_fd(handle(), pick(2) ? kExport : 0));
          break;
        case 3:
          export_bo(client);
          break;
        case 4:
          send();
          break;
        case 5:
          keep(receive_fd(common_));
          break;
        case 6:
          import(client);
          break;
        case 7:
          drop(client);
          break;
        case 8:
          ::close(take());
          break;
      }
    }
  }

 private:
  uint64_t pick(uint64_t below) { return random_() % below; }
  uint32_t handle() { return handles_.empty() ? 1 : handles_[pick(handles_.size())]; }
  void make_bo(const Client& client, uint32_t flags) {
    drm_fakegpu_bo_create arg = {.size = kPage * (1 + pick(4)), .flags = flags};
    if (client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg) == 0) bos_.push_back(arg.handle);
  }
  void export_bo(const Client& client) {
    drm_prime_handle arg = {.handle = bos_.empty() ? 1 : bos_[pick(bos_.size())],
                            .flags = DRM_CLOEXEC | DRM_RDWR,
                            .fd = -1};
    if (client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg) == 0) keep(arg.fd);
  }
  void keep(int fd) {
    if (fd >= 0) fds_.push_back(fd);
  }
  int take() {
    if (fds_.empty()) return -1;
    const auto at = fds_.begin() + static_cast<std::ptrdiff_t>(pick(fds_.size()));
    const int fd = *at;
    fds_.erase(at);
    return fd;
  }
  void import(const Client& client) {
    if (fds_.empty()) return;
    const int fd = fds_[pick(fds_.size())];
    uint32_t made = handle();
    if (client.fd_to_handle(fd, made, pick(2) ? 1 : 0) == 0) handles_.push_back(made);
    drm_prime_handle arg = {.fd = fd};
    if (client.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg) == 0) bos_.push_back(arg.handle);
  }
  void drop(const Client& client) {
    drm_syncobj_destroy syncobj = {handle(), 0};
    client.call(DRM_IOCTL_SYNCOBJ_DESTROY, syncobj);
    drm_gem_close bo = {.handle = bos_.empty() ? 1 : bos_[pick(bos_.size())]};
    client.call(DRM_IOCTL_GEM_CLOSE, bo);
  }
  void send() {
    if (!fds_.empty()) send_fd(common_, fds_[pick(fds_.size())]);
  }

  std::mt19937_64 random_;
  const int common_;
  Client clients_[2];
  std::vector<uint32_t> handles_;
  std::vector<uint32_t> bos_;
  std::vector<int> fds_;
};

// Of the whole device.
uint64_t used_bytes() {
  const Client client;
  return client.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes +
         client.heap(DRM_FAKEGPU_HEAP_SYSTEM).used_bytes;
}

// What the daemon makes at the first use of a thing, it has made then.
void make_one_of_each() {
  const Client client;
  const uint32_t syncobj = client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const Fd plain(client.handle_to_fd(syncobj));
  const Fd sync_file(client.handle_to_fd(syncobj, kExport));
  drm_fakegpu_bo_create bo = {.size = kPage, .flags = DRM_FAKEGPU_BO_SHAREABLE};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), 0);
  drm_prime_handle prime = {.handle = bo.handle, .flags = DRM_CLOEXEC | DRM_RDWR};
  ASSERT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), 0);
  const Fd dma_buf(prime.fd);
  uint32_t imported = 0;
  EXPECT_EQ(client.fd_to_handle(plain, imported), 0);
}

TEST(DaemonLifetime, NothingIsLeftOfWhatWasMadeAndShared) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  make_one_of_each();
  const uint64_t bytes = used_bytes();
  const size_t descriptors = descriptors_of(daemon_pid());
  ASSERT_GT(descriptors, 0u);

  int common[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, common), 0);
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Player(seed + i, common[i % 2]).play();
      ::_exit(0);
    }
    children.push_back(child);
  }
  std::mt19937_64 random(seed);
  for (const pid_t child : children)
    if (random() % 3 == 0) ::kill(child, SIGKILL);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  // With descriptors still under way.
  ::close(common[0]);
  ::close(common[1]);

  // A close reaches the daemon in its own time, that of who looks too.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  uint64_t bytes_left;
  size_t descriptors_left;
  do {
    descriptors_left = descriptors_of(daemon_pid());
    bytes_left = used_bytes();
  } while ((bytes_left > bytes || descriptors_left > descriptors) &&
           std::chrono::steady_clock::now() < give_up);
  EXPECT_EQ(bytes_left, bytes);
  EXPECT_LE(descriptors_left, descriptors);
}

}  // namespace
}  // namespace fakegpu::conformance
