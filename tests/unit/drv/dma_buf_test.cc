// SPDX-License-Identifier: MIT
// What a dma-buf's descriptor answers: poll, DMA_BUF_IOCTL_SYNC, sync_files out and in. The fences
// are a sw_sync timeline's.
#include <fcntl.h>
#include <poll.h>

#include "ioctl/sync_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

struct DmaBuf : testing::Test {
  DmaBuf() {
    client.use(table);
    timeline.use(table);
    drm_fakegpu_bo_create bo = {};
    bo.size = 4096;
    bo.flags = DRM_FAKEGPU_BO_SHAREABLE;
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), 0);
    drm_prime_handle prime = {bo.handle, DRM_CLOEXEC, -1};
    EXPECT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), 0);
    dma_buf = prime.fd;
  }

  // A call on an open file of the table.
  template <typename T>
  std::optional<int> start(int32_t fd, unsigned long command, T& arg, drv::Reply reply = nullptr) {
    return table.file(fd).ioctl({static_cast<uint32_t>(command),
                                 reinterpret_cast<uintptr_t>(&arg),
                                 {1, 0, 0},
                                 ++last_id,
                                 &table},
                                memory, std::move(reply));
  }
  // A sync_file that signals when the timeline reaches `value`.
  int32_t fence_at(uint32_t value) {
    ioctl::SwSyncCreateFence arg = {value, "test", -1};
    EXPECT_EQ(timeline.call(ioctl::kSwSyncIocCreateFence, arg), 0);
    return arg.fence;
  }
  void advance() {
    uint32_t by = 1;
    EXPECT_EQ(timeline.call(ioctl::kSwSyncIocInc, by), 0);
  }
  int import_fence(int32_t fd, uint32_t flags) {
    dma_buf_import_sync_file arg = {flags, fd};
    return *start(dma_buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, arg);
  }
  // A sync_file, or a negative errno.
  int32_t export_fence(uint32_t flags) {
    dma_buf_export_sync_file arg = {flags, -1};
    const int result = *start(dma_buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg);
    return result == 0 ? arg.fd : result;
  }
  bool is_signaled(int32_t sync_file) { return table.file(sync_file).poll(nullptr) == POLLIN; }
  short poll() { return table.file(dma_buf).poll(nullptr); }
  std::optional<int> sync(uint64_t flags, drv::Reply reply = nullptr) {
    dma_buf_sync arg = {flags};
    return start(dma_buf, DMA_BUF_IOCTL_SYNC, arg, std::move(reply));
  }

  VirtualMachine machine;
  ioctl::DirectMemory memory;
  FakeDescriptors table;
  Client client{machine};
  Client timeline{std::move(*machine.machine().open_sw_sync("test")), {1, 0, 0}};
  int32_t dma_buf = -1;
  uint64_t last_id = 0;
};

TEST_F(DmaBuf, PollTellsReadersFromWriters) {
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
  ASSERT_EQ(import_fence(fence_at(2), DMA_BUF_SYNC_READ), 0);
  EXPECT_EQ(poll(), POLLIN) << "a reader keeps writers out";
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_WRITE), 0);
  EXPECT_EQ(poll(), 0);
  advance();
  EXPECT_EQ(poll(), POLLIN);
  advance();
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
}

TEST_F(DmaBuf, PollWakesWhenEitherIsReached) {
  ASSERT_EQ(import_fence(fence_at(3), DMA_BUF_SYNC_READ), 0);
  Client second(std::move(*machine.machine().open_sw_sync("second")), {1, 0, 0});
  second.use(table);
  ioctl::SwSyncCreateFence write = {1, "write", -1};
  ASSERT_EQ(second.call(ioctl::kSwSyncIocCreateFence, write), 0);
  ASSERT_EQ(import_fence(write.fence, DMA_BUF_SYNC_WRITE), 0);
  int woken = 0;
  const auto listen = [&] { return table.file(dma_buf).poll([&woken] { ++woken; }); };
  EXPECT_EQ(listen(), 0);
  uint32_t by = 1;
  EXPECT_EQ(second.call(ioctl::kSwSyncIocInc, by), 0);
  EXPECT_EQ(woken, 1) << "the writer is done";
  EXPECT_EQ(listen(), POLLIN);
  advance();
  advance();
  EXPECT_EQ(woken, 1);
  // A later fence of the reader's timeline has the earlier one's place.
  ASSERT_EQ(import_fence(fence_at(4), DMA_BUF_SYNC_READ), 0);
  advance();
  EXPECT_EQ(woken, 1) << "another reader came meanwhile";
  advance();
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(listen(), POLLIN | POLLOUT);
}

TEST_F(DmaBuf, ClosesWhileSomebodyPolls) {
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_WRITE), 0);
  bool woken = false;
  EXPECT_EQ(table.file(dma_buf).poll([&woken] { woken = true; }), 0);
  table.close(dma_buf);
  advance();
  EXPECT_FALSE(woken);
}

TEST_F(DmaBuf, ExportIsASnapshotOfWhatOneMustWaitFor) {
  EXPECT_TRUE(is_signaled(export_fence(DMA_BUF_SYNC_RW))) << "nobody uses it";
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_READ), 0);
  EXPECT_TRUE(is_signaled(export_fence(DMA_BUF_SYNC_READ))) << "readers do not wait for readers";
  const int32_t for_writer = export_fence(DMA_BUF_SYNC_WRITE);
  EXPECT_FALSE(is_signaled(for_writer));
  EXPECT_FALSE(is_signaled(export_fence(DMA_BUF_SYNC_RW)));
  ASSERT_EQ(import_fence(fence_at(2), DMA_BUF_SYNC_WRITE), 0);
  const int32_t for_reader = export_fence(DMA_BUF_SYNC_READ);
  EXPECT_FALSE(is_signaled(for_reader));
  EXPECT_TRUE(table.close_on_exec());
  advance();
  EXPECT_TRUE(is_signaled(for_writer)) << "made before the second";
  EXPECT_FALSE(is_signaled(for_reader));
  advance();
  EXPECT_TRUE(is_signaled(for_reader));
}

TEST_F(DmaBuf, ImportTakesAMergedFileApart) {
  Client second(std::move(*machine.machine().open_sw_sync("second")), {1, 0, 0});
  second.use(table);
  ioctl::SwSyncCreateFence other = {1, "other", -1};
  ASSERT_EQ(second.call(ioctl::kSwSyncIocCreateFence, other), 0);
  sync_merge_data merge = {"both", other.fence, -1, 0, 0};
  ASSERT_EQ(start(fence_at(1), SYNC_IOC_MERGE, merge), 0);
  ASSERT_EQ(import_fence(merge.fence, DMA_BUF_SYNC_WRITE), 0);
  advance();
  EXPECT_EQ(poll(), 0);
  uint32_t by = 1;
  EXPECT_EQ(second.call(ioctl::kSwSyncIocInc, by), 0);
  EXPECT_EQ(poll(), POLLIN | POLLOUT);
}

TEST_F(DmaBuf, SyncWaitsForItsTurn) {
  EXPECT_EQ(sync(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW), 0);
  EXPECT_EQ(sync(DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW), 0);
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_READ), 0);
  EXPECT_EQ(sync(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ), 0);
  std::optional<int> answer;
  EXPECT_EQ(sync(DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE,
                 [&answer](int result, std::span<const std::byte>) { answer = result; }),
            std::nullopt);
  EXPECT_EQ(sync(DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE), 0) << "to end needs no turn";
  EXPECT_EQ(machine.machine().census().waits, 1u);
  EXPECT_EQ(answer, std::nullopt);
  advance();
  EXPECT_EQ(answer, 0);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST_F(DmaBuf, SyncEndsBySignalOrClose) {
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_WRITE), 0);
  std::optional<int> answer;
  const auto begin = [&] {
    return sync(DMA_BUF_SYNC_READ,
                [&answer](int result, std::span<const std::byte>) { answer = result; });
  };
  EXPECT_EQ(begin(), std::nullopt);
  EXPECT_TRUE(table.file(dma_buf).interrupt(last_id));
  EXPECT_EQ(answer, -EINTR);
  EXPECT_FALSE(table.file(dma_buf).interrupt(last_id));
  answer.reset();
  EXPECT_EQ(begin(), std::nullopt);
  table.close(dma_buf);
  advance();
  EXPECT_EQ(answer, std::nullopt);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST_F(DmaBuf, SyncEndsWithTheDevice) {
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_WRITE), 0);
  std::vector<int> answers;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(
        sync(DMA_BUF_SYNC_READ,
             [&answers](int result, std::span<const std::byte>) { answers.push_back(result); }),
        std::nullopt);
  machine.machine().shutdown();
  EXPECT_EQ(answers, (std::vector<int>{-ENODEV, -ENODEV}));
  EXPECT_EQ(machine.machine().census().waits, 0u);
  EXPECT_EQ(sync(DMA_BUF_SYNC_READ), -ENODEV);
  advance();
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(DmaBuf, ShutdownLeavesWhatNoLongerWaitsAlone) {
  ASSERT_EQ(import_fence(fence_at(1), DMA_BUF_SYNC_WRITE), 0);
  std::optional<int> answer;
  const auto begin = [&] {
    return sync(DMA_BUF_SYNC_READ,
                [&answer](int result, std::span<const std::byte>) { answer = result; });
  };
  EXPECT_EQ(begin(), std::nullopt);
  EXPECT_TRUE(table.file(dma_buf).interrupt(last_id));
  answer.reset();
  EXPECT_EQ(begin(), std::nullopt);
  table.close(dma_buf);
  machine.machine().shutdown();
  EXPECT_EQ(answer, std::nullopt);
}

TEST_F(DmaBuf, RefusesInTheKernelsOrder) {
  EXPECT_EQ(sync(0), -EINVAL);
  EXPECT_EQ(sync(DMA_BUF_SYNC_END), -EINVAL);
  EXPECT_EQ(sync(DMA_BUF_SYNC_RW | 8), -EINVAL);
  EXPECT_EQ(sync(DMA_BUF_SYNC_RW | 1ull << 32), -EINVAL);
  for (const uint32_t flags : {0u, uint32_t{DMA_BUF_SYNC_END}, DMA_BUF_SYNC_RW | 8u}) {
    EXPECT_EQ(export_fence(flags), -EINVAL) << flags;
    EXPECT_EQ(import_fence(-1, flags), -EINVAL) << flags;
  }
  EXPECT_EQ(import_fence(-1, DMA_BUF_SYNC_RW), -EINVAL);
  EXPECT_EQ(import_fence(dma_buf, DMA_BUF_SYNC_RW), -EINVAL) << "no sync_file";
  table.set_full(true);
  EXPECT_EQ(export_fence(DMA_BUF_SYNC_RW), -EMFILE);
  EXPECT_EQ(export_fence(0), -EINVAL) << "flags come first";
  uint64_t unknown = 0;
  EXPECT_EQ(start(dma_buf, _IOW(DMA_BUF_BASE, 9, uint64_t), unknown), -ENOTTY);
  EXPECT_EQ(start(dma_buf, SYNC_IOC_FILE_INFO, unknown), -ENOTTY);
}

}  // namespace
}  // namespace fakegpu::tests
