// SPDX-License-Identifier: MIT
// Descriptors that are none of this device's: refused as the kernel refuses them, and at once,
// whatever becomes of who serves them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../support/hanging_file.h"
#include "client.h"
#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;

// One of each kind that a device gives out.
struct Objects {
  explicit Objects(const Client& client)
      : syncobj(client.handle_to_fd(handle_of(client))),
        sync_file(client.handle_to_fd(handle_of(client), kExport)),
        timeline(client.sw_sync()),
        dma_buf(Bo(client.device(), kPage, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE)
                    .export_fd()) {}

  static uint32_t handle_of(const Client& client) {
    return client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  }

  Fd syncobj;
  Fd sync_file;
  Fd timeline;
  Fd dma_buf;
};

class ForeignFd : public testing::Test {
 protected:
  // Every call that takes a descriptor refuses this one.
  void expect_refused(int fd) const {
    uint32_t handle = kNoHandle;
    EXPECT_EQ(client_.fd_to_handle(fd, handle), -EINVAL);
    EXPECT_EQ(handle, kNoHandle);
    handle = client_.make_syncobj();
    EXPECT_EQ(client_.fd_to_handle(fd, handle, kImport), -EINVAL);
    EXPECT_EQ(client_.wait({&handle, 1}, 0, 0), -EINVAL) << "still without a fence";
    ioctl::SyncobjEventfd event = {};
    event.handle = handle;
    event.fd = fd;
    EXPECT_EQ(client_.call(ioctl::kSyncobjEventfdCommand, event), -EINVAL);
    drm_prime_handle prime = {.handle = kNoHandle, .fd = fd};
    EXPECT_EQ(client_.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, prime), -EINVAL);
    EXPECT_EQ(prime.handle, kNoHandle);
    fakegpu_bo* bo = nullptr;
    EXPECT_EQ(fakegpu_bo_import(client_.device(), fd, &bo), -EINVAL);
    fakegpu_syncobj* syncobj = nullptr;
    EXPECT_EQ(fakegpu_syncobj_import(client_.device(), fd, &syncobj), -EINVAL);
    sync_merge_data merge = {"both", fd, 17, 0, 0};
    EXPECT_EQ(client_.fd_call(own_.sync_file, SYNC_IOC_MERGE, merge), -ENOENT);
    EXPECT_EQ(merge.fence, 17);
    dma_buf_import_sync_file import = {DMA_BUF_SYNC_WRITE, fd};
    EXPECT_EQ(client_.fd_call(own_.dma_buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, import), -EINVAL);
    ioctl::SwSyncGetDeadline deadline = {};
    deadline.fence_fd = fd;
    EXPECT_EQ(client_.fd_call(own_.timeline, ioctl::kSwSyncGetDeadline, deadline), -EINVAL);
  }
  // Of this device, so that what was refused did no harm.
  void expect_service() const {
    uint32_t handle = 0;
    EXPECT_EQ(client_.fd_to_handle(own_.syncobj, handle), 0);
    EXPECT_EQ(client_.wait({&handle, 1}, 0, 0), 0);
  }

  const Client client_;
  const Objects own_{client_};
};

TEST_F(ForeignFd, OfAServerThatNeverAnswersIsRefusedWithoutAskingIt) {
  if (const char* lacking = support::HangingFile::lacking())
    GTEST_SKIP() << "machine lacks " << lacking;
  const support::HangingFile file;
  expect_refused(file.fd());
  EXPECT_EQ(file.asked(), 0u);
  expect_service();
}

TEST_F(ForeignFd, OfAnotherDeviceIsRefused) {
  const Client other(other_device_path());
  const Objects objects(other);
  for (const Fd* fd : {&objects.syncobj, &objects.sync_file, &objects.timeline, &objects.dma_buf})
    expect_refused(*fd);
  expect_service();
}

using NodeForeignFd = ForeignFd;
TEST_F(NodeForeignFd, TheOtherDevicesOwnFileIsRefused) {
  const Client other(other_device_path());
  expect_refused(fakegpu_device_fd(other.device()));
}

using DaemonForeignFd = ForeignFd;
// Stopped, so that it would answer nothing that it was asked.
TEST_F(DaemonForeignFd, OfAnotherDaemonIsRefusedWithoutAskingIt) {
  const Client other(other_device_path());
  const Objects objects(other);
  ASSERT_EQ(::kill(other_daemon_pid(), SIGSTOP), 0);
  for (const Fd* fd : {&objects.syncobj, &objects.sync_file, &objects.timeline, &objects.dma_buf})
    expect_refused(*fd);
  expect_service();
  EXPECT_EQ(::kill(other_daemon_pid(), SIGCONT), 0);
}

}  // namespace
}  // namespace fakegpu::conformance
