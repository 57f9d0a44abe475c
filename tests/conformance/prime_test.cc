// SPDX-License-Identifier: MIT
// BOs by descriptor, in one file and between two.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint64_t kSize = 2 * kPage;

class Prime : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = export_bo(client_, handle_);
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override {
    if (fd_ >= 0) ::close(fd_);
  }

  static uint32_t make(const Client& client, uint32_t flags) {
    drm_fakegpu_bo_create arg = {.size = kSize, .flags = flags};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  // A descriptor, or a negative errno.
  static int export_bo(const Client& client, uint32_t handle,
                       uint32_t flags = DRM_CLOEXEC | DRM_RDWR) {
    drm_prime_handle arg = {.handle = handle, .flags = flags, .fd = -1};
    const int result = client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg);
    return result == 0 ? arg.fd : result;
  }
  // A handle, or a negative errno.
  static int64_t import_bo(const Client& client, int fd) {
    drm_prime_handle arg = {.fd = fd};
    const int result = client.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg);
    return result == 0 ? int64_t{arg.handle} : result;
  }
  static int close_bo(const Client& client, int64_t handle) {
    drm_gem_close arg = {.handle = static_cast<uint32_t>(handle)};
    return client.call(DRM_IOCTL_GEM_CLOSE, arg);
  }

  const Client client_;
  const uint32_t handle_ = make(client_, DRM_FAKEGPU_BO_SHAREABLE);
  int fd_ = -1;
};

TEST_F(Prime, TheSameBoHasTheSameHandle) {
  const Client other;
  EXPECT_EQ(import_bo(client_, fd_), handle_);
  const int64_t imported = import_bo(other, fd_);
  ASSERT_GT(imported, 0);
  EXPECT_EQ(import_bo(other, fd_), imported);
  const int again = export_bo(other, static_cast<uint32_t>(imported));
  ASSERT_GE(again, 0);
  EXPECT_EQ(import_bo(client_, again), handle_);
  ::close(again);
  EXPECT_EQ(close_bo(other, imported), 0);
  EXPECT_EQ(close_bo(other, imported), -EINVAL);
}

TEST_F(Prime, AnImportIsTheSameBo) {
  const Client other;
  const uint64_t before = other.heap(0).used_bytes;
  const int64_t imported = import_bo(other, fd_);
  ASSERT_GT(imported, 0);
  EXPECT_EQ(other.heap(0).used_bytes, before);
  EXPECT_EQ(other.heap(0).client_bytes, 0u) << "its creator's";
  drm_fakegpu_bo_info info = {.handle = static_cast<uint32_t>(imported)};
  ASSERT_EQ(other.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), 0);
  EXPECT_EQ(info.size, kSize);
  EXPECT_EQ(info.flags, uint32_t{DRM_FAKEGPU_BO_SHAREABLE});
  // It outlives the creator's handle.
  EXPECT_EQ(close_bo(client_, handle_), 0);
  EXPECT_EQ(other.heap(0).used_bytes, before);
}

TEST_F(Prime, ShowsTheMemoryOfTheBoAlone) {
  const int again = export_bo(client_, handle_);
  ASSERT_GE(again, 0);
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (memory == MAP_FAILED && errno == ENODEV) {
    ::close(again);
    GTEST_SKIP() << "machine lacks mmap of dma-bufs";
  }
  ASSERT_NE(memory, MAP_FAILED);
  void* const same = ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, again, 0);
  ASSERT_NE(same, MAP_FAILED);
  ::close(again);
  auto* const bytes = static_cast<volatile uint8_t*>(memory);
  EXPECT_EQ(bytes[0] | bytes[kSize - 1], 0);
  bytes[kSize - 1] = 7;
  EXPECT_EQ(static_cast<volatile uint8_t*>(same)[kSize - 1], 7);
  EXPECT_EQ(::lseek(fd_, 0, SEEK_END), static_cast<off_t>(kSize));
  ::munmap(same, kSize);
  ::munmap(memory, kSize);
}

TEST_F(Prime, IsReadyWhileNobodyUsesIt) {
  pollfd ready = {.fd = fd_, .events = POLLIN | POLLOUT};
  EXPECT_EQ(::poll(&ready, 1, 0), 1);
  EXPECT_EQ(ready.revents, POLLIN | POLLOUT);
}

TEST_F(Prime, RefusesBadExports) {
  EXPECT_EQ(export_bo(client_, handle_, O_APPEND), -EINVAL);
  EXPECT_EQ(export_bo(client_, kNoHandle, DRM_CLOEXEC | 1), -EINVAL) << "flags come first";
  EXPECT_EQ(export_bo(client_, kNoHandle), -ENOENT);
  EXPECT_EQ(export_bo(client_, 0), -ENOENT);
  EXPECT_EQ(export_bo(client_, make(client_, 0)), -EPERM);
}

TEST_F(Prime, RefusesBadImports) {
  EXPECT_EQ(import_bo(client_, -1), -EBADF);
  EXPECT_EQ(import_bo(client_, 9999), -EBADF);
  const int eventfd = ::eventfd(0, EFD_CLOEXEC);
  EXPECT_EQ(import_bo(client_, eventfd), -EINVAL);
  ::close(eventfd);
}

}  // namespace
}  // namespace fakegpu::conformance
