// SPDX-License-Identifier: MIT
// Fences of a dma-buf: igt's dmabuf_sync_file by meaning, with jobs and sw_sync in place of vgem's
// fences.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/dma-buf.h>
#include <poll.h>

#include <cerrno>

#include "blocked.h"
#include "client.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

struct DmaBuf : testing::Test {
  static uint32_t make(const Client& client) {
    drm_fakegpu_bo_create arg = {.size = kPage, .flags = DRM_FAKEGPU_BO_SHAREABLE};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  static Fd export_bo(const Client& client, uint32_t handle) {
    drm_prime_handle arg = {.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1};
    EXPECT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, arg), 0);
    return Fd(arg.fd);
  }

  // What a reader (or a writer) has to wait for now.
  Fd fences_for(uint32_t flags) const {
    dma_buf_export_sync_file arg = {.flags = flags, .fd = -1};
    EXPECT_EQ(client.fd_call(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg), 0);
    return Fd(arg.fd);
  }
  int import_fences(int fd, uint32_t flags) const {
    dma_buf_import_sync_file arg = {.flags = flags, .fd = fd};
    return client.fd_call(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, arg);
  }
  Fd fence(int of) const {
    ioctl::SwSyncCreateFence arg = {.value = 1, .fence = -1};
    EXPECT_EQ(client.fd_call(of, ioctl::kSwSyncIocCreateFence, arg), 0);
    return Fd(arg.fence);
  }
  void signal(int of) const {
    ioctl::SwSyncInc arg = {1};
    EXPECT_EQ(client.fd_call(of, ioctl::kSwSyncIocInc, arg), 0);
  }

  const Client client;
  const uint32_t handle = make(client);
  const Fd buf = export_bo(client, handle);
  const Fd timeline = client.sw_sync();
};

TEST_F(DmaBuf, WithoutFencesGivesASignalledSyncFile) {
  for (const uint32_t flags : {DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW})
    EXPECT_EQ(poll_events(fences_for(flags)), POLLIN) << flags;
}

TEST_F(DmaBuf, AnImportedWriteIsForReadersAndWriters) {
  ASSERT_EQ(import_fences(fence(timeline), DMA_BUF_SYNC_WRITE), 0);
  const Fd for_reading = fences_for(DMA_BUF_SYNC_READ);
  const Fd for_writing = fences_for(DMA_BUF_SYNC_WRITE);
  EXPECT_EQ(poll_events(for_reading), 0);
  EXPECT_EQ(poll_events(for_writing), 0);
  signal(timeline);
  EXPECT_EQ(poll_events(for_reading, -1), POLLIN);
  EXPECT_EQ(poll_events(for_writing, -1), POLLIN);
}

TEST_F(DmaBuf, AnImportedReadIsForWritersOnly) {
  ASSERT_EQ(import_fences(fence(timeline), DMA_BUF_SYNC_READ), 0);
  EXPECT_EQ(poll_events(fences_for(DMA_BUF_SYNC_READ)), POLLIN);
  const Fd for_writing = fences_for(DMA_BUF_SYNC_WRITE);
  EXPECT_EQ(poll_events(for_writing), 0);
  signal(timeline);
  EXPECT_EQ(poll_events(for_writing, -1), POLLIN);
}

TEST_F(DmaBuf, ASyncFileIsASnapshot) {
  const Fd before = fences_for(DMA_BUF_SYNC_RW);
  ASSERT_EQ(import_fences(fence(timeline), DMA_BUF_SYNC_WRITE), 0);
  EXPECT_EQ(poll_events(before), POLLIN);
  EXPECT_EQ(poll_events(fences_for(DMA_BUF_SYNC_RW)), 0);
  signal(timeline);
}

TEST_F(DmaBuf, CarriesTheFencesOfJobsToWhoImportsIt) {
  const Client other;
  drm_prime_handle import = {.fd = buf};
  ASSERT_EQ(other.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, import), 0);
  // A job of the first client that writes the BO once a fence lets it.
  const Worker writer(client, DRM_FAKEGPU_RING_GFX);
  const uint32_t gate = client.make_syncobj();
  uint32_t into = gate;
  ASSERT_EQ(
      client.fd_to_handle(fence(timeline), into, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE),
      0);
  const drm_fakegpu_sync in = {.handle = gate};
  const drm_fakegpu_bo_use use = {.handle = handle, .flags = DRM_FAKEGPU_BO_USE_WRITE};
  drm_fakegpu_submit submit = writer.submission({});
  submit.ib_count = 0;
  submit.in_sync_count = 1;
  submit.in_syncs = address_of(&in);
  submit.bo_count = 1;
  submit.bos = address_of(&use);
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_SUBMIT, submit), 0);
  // One of the other client that reads it, on another ring.
  const Worker reader(other, DRM_FAKEGPU_RING_COMPUTE);
  const uint32_t done = other.make_syncobj();
  const drm_fakegpu_sync out = {.handle = done};
  const drm_fakegpu_bo_use read = {.handle = import.handle, .flags = DRM_FAKEGPU_BO_USE_READ};
  submit = reader.submission({});
  submit.ib_count = 0;
  submit.out_sync_count = 1;
  submit.out_syncs = address_of(&out);
  submit.bo_count = 1;
  submit.bos = address_of(&read);
  ASSERT_EQ(other.call(DRM_IOCTL_FAKEGPU_SUBMIT, submit), 0);
  const Fd for_writing = fences_for(DMA_BUF_SYNC_WRITE);
  EXPECT_EQ(other.wait({&done, 1}, other.deadline(5 * kMilli), 0), -ETIME);
  EXPECT_EQ(poll_events(for_writing), 0);
  signal(timeline);
  EXPECT_EQ(other.wait({&done, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(poll_events(for_writing, -1), POLLIN);
}

TEST_F(DmaBuf, ToBeginAccessWaitsForTheOthers) {
  ASSERT_EQ(import_fences(fence(timeline), DMA_BUF_SYNC_READ), 0);
  dma_buf_sync arg = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
  EXPECT_EQ(client.fd_call(buf, DMA_BUF_IOCTL_SYNC, arg), 0) << "readers do not wait for readers";
  int result = 1;
  BlockedThread writer([&] {
    dma_buf_sync write = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE};
    result = client.fd_call(buf, DMA_BUF_IOCTL_SYNC, write);
  });
  writer.wait_until_blocked();
  signal(timeline);
  writer.join();
  EXPECT_EQ(result, 0);
  arg.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
  EXPECT_EQ(client.fd_call(buf, DMA_BUF_IOCTL_SYNC, arg), 0);
}

TEST_F(DmaBuf, RefusesBadArguments) {
  for (const uint32_t flags : {0u, 4u, 1u << 31}) {
    dma_buf_export_sync_file arg = {.flags = flags, .fd = -1};
    EXPECT_EQ(client.fd_call(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg), -EINVAL) << flags;
    EXPECT_EQ(import_fences(fence(timeline), flags), -EINVAL) << flags;
    dma_buf_sync sync = {.flags = flags};
    EXPECT_EQ(client.fd_call(buf, DMA_BUF_IOCTL_SYNC, sync), -EINVAL) << flags;
  }
  EXPECT_EQ(import_fences(-1, DMA_BUF_SYNC_WRITE), -EINVAL);
  EXPECT_EQ(import_fences(buf, DMA_BUF_SYNC_WRITE), -EINVAL) << "no sync_file";
}

}  // namespace
}  // namespace fakegpu::conformance
