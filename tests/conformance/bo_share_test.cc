// SPDX-License-Identifier: MIT
// fakegpu_bo_export() and fakegpu_bo_import(): one memory on two devices of a process, and in two
// processes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "client.h"
#include "pass_fd.h"

namespace fakegpu::conformance {
namespace {

constexpr uint64_t kSize = 2 * kPage;

class BoShare : public testing::Test {
 protected:
  static Bo make(const Client& client, uint32_t heap = DRM_FAKEGPU_HEAP_VRAM) {
    return Bo(client.device(), kSize, heap, DRM_FAKEGPU_BO_SHAREABLE);
  }
  // What import says to it; nothing comes out of one that fails.
  static int import_error(const Client& client, int fd) {
    auto* const untouched = reinterpret_cast<fakegpu_bo*>(&client_size);
    fakegpu_bo* out = untouched;
    const int result = fakegpu_bo_import(client.device(), fd, &out);
    EXPECT_TRUE(result == 0 || out == untouched);
    return result;
  }
  static uint64_t client_bytes(const Client& client) {
    return client.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes;
  }
  // Fills the BO through its address on this device.
  static void fill(const Client& client, const Bo& bo, uint32_t value) {
    const Context context(client.device());
    const CommandBuffer packets(context, DRM_FAKEGPU_RING_GFX);
    ASSERT_EQ(fakegpu_cmd_fill(packets, bo.va(), value, kSize), 0);
    const Syncobj done(client.device());
    ASSERT_EQ(fakegpu_context_submit_one(context, client.device().ring(DRM_FAKEGPU_RING_GFX),
                                         packets, done),
              0);
    fakegpu_syncobj* const handle = done;
    ASSERT_EQ(fakegpu_syncobj_wait(client.device(), &handle, 1, INT64_MAX, 0, nullptr), 0);
  }

  static inline char client_size;
  const Client client_;
};

TEST_F(BoShare, TwoDevicesSeeTheSameMemory) {
  for (const uint32_t heap : {DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_HEAP_SYSTEM}) {
    const Client other;
    const Bo bo = make(client_, heap);
    const Fd fd = bo.export_fd();
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    const Bo imported = Bo::import_fd(other.device(), fd);
    EXPECT_EQ(imported.size(), kSize);
    const auto here = bo.map<uint32_t>();
    const auto there = imported.map<uint32_t>();
    here[0] = 1;
    there[kSize / 4 - 1] = 2;
    EXPECT_EQ(there[0], 1u);
    EXPECT_EQ(here[kSize / 4 - 1], 2u);
    fill(other, imported, 3);
    EXPECT_EQ(here[0], 3u);
    EXPECT_EQ(here[kSize / 4 - 1], 3u);
  }
}

TEST_F(BoShare, TheMemoryOutlivesWhoMadeIt) {
  Fd fd;
  {
    const Client owner;
    const Bo bo = make(owner);
    bo.map<uint32_t>()[5] = 6;
    fd = bo.export_fd();
  }
  const Bo imported = Bo::import_fd(client_.device(), fd);
  fd = Fd();
  EXPECT_EQ(imported.map<uint32_t>()[5], 6u);
  fill(client_, imported, 7);
  EXPECT_EQ(imported.map<uint32_t>()[5], 7u);
}

TEST_F(BoShare, ImportedTwiceItIsOneBoUntilTheLastIsGone) {
  const Client other;
  const Bo bo = make(client_);
  const Fd fd = bo.export_fd();
  Bo first = Bo::import_fd(other.device(), fd);
  const Bo second = Bo::import_fd(other.device(), fd);
  const uint32_t handle = fakegpu_bo_handle(first);
  EXPECT_EQ(fakegpu_bo_handle(second), handle);
  EXPECT_EQ(second.va(), first.va());
  first = Bo();
  drm_fakegpu_bo_info info = {};
  EXPECT_EQ(fakegpu_bo_info(second, &info), 0);
  EXPECT_EQ(info.size, kSize);
  fill(other, second, 8);
  EXPECT_EQ(bo.map<uint32_t>()[0], 8u);
}

TEST_F(BoShare, OnItsOwnDeviceItIsTheSameBo) {
  Bo bo = make(client_);
  const Fd fd = bo.export_fd();
  const Bo imported = Bo::import_fd(client_.device(), fd);
  EXPECT_EQ(fakegpu_bo_handle(imported), fakegpu_bo_handle(bo));
  bo = Bo();
  EXPECT_EQ(imported.map<uint32_t>()[0], 0u);
  EXPECT_EQ(client_bytes(client_), kSize);
}

// The library learns nothing of such an export.
TEST_F(BoShare, ExportedByARawIoctlItIsTheSameBoToo) {
  Bo bo = make(client_);
  drm_prime_handle prime = {.handle = fakegpu_bo_handle(bo), .flags = DRM_CLOEXEC, .fd = -1};
  ASSERT_EQ(client_.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), 0);
  const Fd fd(prime.fd);
  const Bo imported = Bo::import_fd(client_.device(), fd);
  EXPECT_EQ(fakegpu_bo_handle(imported), fakegpu_bo_handle(bo));
  bo = Bo();
  drm_fakegpu_bo_info info = {};
  EXPECT_EQ(fakegpu_bo_info(imported, &info), 0) << "the handle is still open";
  EXPECT_EQ(imported.map<uint32_t>()[0], 0u);
}

TEST_F(BoShare, NothingIsLeftWhenAllAreGone) {
  const uint64_t before = client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes;
  for (int i = 0; i < 3; ++i) {
    const Bo bo = make(client_);
    const Fd fd = bo.export_fd();
    const Bo imported = Bo::import_fd(client_.device(), fd);
    const Fd again = imported.export_fd();
  }
  // The last close of a descriptor reaches the driver in its own time.
  const int64_t give_up = client_.deadline(20'000 * kMilli);
  while (client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes != before && client_.deadline(0) < give_up)
    std::this_thread::yield();
  EXPECT_EQ(client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes, before);
}

TEST_F(BoShare, WhatIsNotShareableIsNotExported) {
  const Bo bo(client_.device(), kSize);
  int fd = 17;
  EXPECT_EQ(fakegpu_bo_export(bo, &fd), -EPERM);
  EXPECT_EQ(fd, 17);
}

TEST_F(BoShare, RefusesWhatIsNoBo) {
  EXPECT_EQ(import_error(client_, -1), -EBADF);
  EXPECT_EQ(import_error(client_, 1'000'000), -EBADF);
  const Fd eventfd(::eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(import_error(client_, eventfd), -EINVAL);
  const Fd syncobj(client_.handle_to_fd(client_.make_syncobj()));
  EXPECT_EQ(import_error(client_, syncobj), -EINVAL);
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(import_error(client_, file), -EINVAL);
  const Client other(other_device_path());
  const Fd foreign = make(other).export_fd();
  EXPECT_EQ(import_error(client_, foreign), -EINVAL) << "of another GPU";
  EXPECT_EQ(client_bytes(client_), 0u);
}

using DaemonBoShare = BoShare;

// The other process's part; its exit status.
int write_and_pass_on(int socket) {
  const Client client;
  const Fd theirs(receive_fd(socket));
  const Bo imported = Bo::import_fd(client.device(), theirs);
  const auto memory = imported.map<uint32_t>();
  if (memory[0] != 1) return 1;
  memory[0] = 2;
  const Bo own(client.device(), kSize, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
  own.map<uint32_t>()[0] = 3;
  return send_fd(socket, own.export_fd()) ? 0 : 2;
}

TEST_F(DaemonBoShare, TwoProcessesSeeTheSameMemory) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
  const Fd mine(sockets[0]);
  const Fd theirs(sockets[1]);
  const Bo bo = make(client_);
  bo.map<uint32_t>()[0] = 1;
  ASSERT_TRUE(send_fd(mine, bo.export_fd()));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(write_and_pass_on(theirs));
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(bo.map<uint32_t>()[0], 2u);
  // Its process, and so the file that it was made in, are gone.
  const Fd fd(receive_fd(mine));
  const Bo imported = Bo::import_fd(client_.device(), fd);
  EXPECT_EQ(imported.map<uint32_t>()[0], 3u);
  fill(client_, imported, 4);
  EXPECT_EQ(imported.map<uint32_t>()[0], 4u);
}

}  // namespace
}  // namespace fakegpu::conformance
