// SPDX-License-Identifier: MIT
// The calls of sync_files and of sw_sync.
#include <poll.h>

#include <string_view>

#include "ioctl/sync_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

struct FenceFiles : testing::Test {
  FenceFiles() { timeline = std::move(*machine.machine().open_sw_sync("a timeline")); }

  template <typename T>
  int call(drv::File& file, uint32_t command, T& arg) {
    ioctl::DirectMemory memory;
    return *file.ioctl({command, reinterpret_cast<uintptr_t>(&arg), {}, 1, &table}, memory,
                       nullptr);
  }
  int32_t fence(uint32_t value) {
    ioctl::SwSyncCreateFence arg = {.value = value, .fence = -1};
    EXPECT_EQ(call(*timeline, ioctl::kSwSyncIocCreateFence, arg), 0);
    return arg.fence;
  }
  void advance(uint32_t by) {
    ioctl::SwSyncInc arg = {by};
    EXPECT_EQ(call(*timeline, ioctl::kSwSyncIocInc, arg), 0);
  }
  int merge(int32_t fd, int32_t fd2, int32_t& merged, std::string_view name = "both") {
    sync_merge_data arg = {};
    name.copy(arg.name, sizeof(arg.name));
    arg.fd2 = fd2;
    const int result = call(table.file(fd), SYNC_IOC_MERGE, arg);
    merged = arg.fence;
    return result;
  }
  int status(int32_t fd) {
    sync_file_info arg = {};
    EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO, arg), 0);
    return arg.status;
  }
  std::vector<sync_fence_info> leaves(int32_t fd, sync_file_info& arg) {
    arg = {};
    EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO, arg), 0);
    std::vector<sync_fence_info> fences(arg.num_fences);
    arg.sync_fence_info = reinterpret_cast<uintptr_t>(fences.data());
    EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO, arg), 0);
    return fences;
  }

  VirtualMachine machine;
  FakeDescriptors table;
  std::unique_ptr<drv::File> timeline;
};

TEST_F(FenceFiles, SignalWhenTheTimelineComesThere) {
  const int32_t one = fence(1);
  const int32_t two = fence(2);
  EXPECT_TRUE(table.close_on_exec());
  bool woken = false;
  EXPECT_EQ(table.file(two).poll([&woken] { woken = true; }), 0);
  advance(1);
  EXPECT_EQ(table.file(one).poll(nullptr), POLLIN);
  EXPECT_FALSE(woken);
  advance(1);
  EXPECT_TRUE(woken);
  EXPECT_EQ(table.file(two).poll(nullptr), POLLIN);
  EXPECT_EQ(table.file(fence(2)).poll(nullptr), POLLIN) << "what is past has signalled";
}

TEST_F(FenceFiles, InfoTellsOfEveryFence) {
  auto second =
      std::move(*machine.machine().open_sw_sync("another timeline with a very long name"));
  ioctl::SwSyncCreateFence other = {.value = 9, .fence = -1};
  ASSERT_EQ(call(*second, ioctl::kSwSyncIocCreateFence, other), 0);
  int32_t merged = 0;
  ASSERT_EQ(merge(fence(3), other.fence, merged), 0);
  sync_file_info info;
  auto fences = leaves(merged, info);
  ASSERT_EQ(fences.size(), 2u);
  EXPECT_EQ(std::string_view(info.name), "both");
  EXPECT_EQ(info.status, 0);
  EXPECT_EQ(std::string_view(fences[0].driver_name), "sw_sync");
  EXPECT_EQ(std::string_view(fences[0].obj_name), "a timeline");
  EXPECT_EQ(std::string_view(fences[1].obj_name), "another timeline with a very lo");
  EXPECT_EQ(fences[0].status, 0);
  machine.executor().run_for(1000);
  advance(3);
  fences = leaves(merged, info);
  EXPECT_EQ(info.status, 0);
  EXPECT_EQ(fences[0].status, 1);
  EXPECT_EQ(fences[0].timestamp_ns, static_cast<uint64_t>(machine.now()));
  EXPECT_EQ(fences[1].status, 0);
  // The timeline goes: what it has not reached fails.
  second.reset();
  fences = leaves(merged, info);
  EXPECT_EQ(info.status, -ENOENT);
  EXPECT_EQ(fences[1].status, -ENOENT);
  EXPECT_EQ(table.file(merged).poll(nullptr), POLLIN) << "an error too is a signal";
}

TEST_F(FenceFiles, InfoRefusesWhatItCannotAnswer) {
  const int32_t fd = fence(1);
  int32_t merged = 0;
  auto second = std::move(*machine.machine().open_sw_sync("b"));
  ioctl::SwSyncCreateFence other = {.value = 1, .fence = -1};
  ASSERT_EQ(call(*second, ioctl::kSwSyncIocCreateFence, other), 0);
  ASSERT_EQ(merge(fd, other.fence, merged), 0);
  sync_file_info arg = {};
  arg.flags = 1;
  EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO, arg), -EINVAL);
  arg = {};
  arg.pad = 1;
  EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO, arg), -EINVAL);
  sync_fence_info room = {};
  arg = {};
  arg.num_fences = 1;
  arg.sync_fence_info = reinterpret_cast<uintptr_t>(&room);
  EXPECT_EQ(call(table.file(merged), SYNC_IOC_FILE_INFO, arg), -EINVAL) << "two do not fit";
  EXPECT_EQ(room.obj_name[0], '\0');
  EXPECT_EQ(call(table.file(fd), SYNC_IOC_FILE_INFO + 1, arg), -ENOTTY);
  EXPECT_EQ(call(table.file(fd), _IOWR('>', 4, uint64_t), arg), -ENOTTY)
      << "the whole command word counts";
}

TEST_F(FenceFiles, MergeKeepsTheLaterOfATimeline) {
  const int32_t one = fence(1);
  const int32_t five = fence(5);
  int32_t merged = 0;
  ASSERT_EQ(merge(one, five, merged), 0);
  sync_file_info info;
  EXPECT_EQ(leaves(merged, info).size(), 1u);
  advance(1);
  EXPECT_EQ(status(merged), 0);
  advance(4);
  EXPECT_EQ(status(merged), 1);
}

TEST_F(FenceFiles, MergeRefusesInTheKernelsOrder) {
  const int32_t fd = fence(1);
  int32_t merged = -7;
  EXPECT_EQ(merge(fd, 9999, merged), -ENOENT);
  EXPECT_EQ(merged, 0) << "nothing is copied back on an error";
  sync_merge_data arg = {};
  arg.fd2 = 9999;
  arg.flags = 1;
  EXPECT_EQ(call(table.file(fd), SYNC_IOC_MERGE, arg), -EINVAL) << "flags before the descriptor";
  table.set_full(true);
  EXPECT_EQ(call(table.file(fd), SYNC_IOC_MERGE, arg), -EMFILE) << "and a free one before those";
}

TEST_F(FenceFiles, DeadlinesReachTheTimeline) {
  const int32_t fd = fence(1);
  ioctl::SwSyncGetDeadline get = {.fence_fd = fd};
  EXPECT_EQ(call(*timeline, ioctl::kSwSyncGetDeadline, get), -ENOENT) << "none was set";
  ioctl::SyncSetDeadline set = {.deadline_ns = 5000, .pad = 1};
  EXPECT_EQ(call(table.file(fd), ioctl::kSyncIocSetDeadline, set), -EINVAL);
  set.pad = 0;
  EXPECT_EQ(call(table.file(fd), ioctl::kSyncIocSetDeadline, set), 0);
  set.deadline_ns = 7000;
  EXPECT_EQ(call(table.file(fd), ioctl::kSyncIocSetDeadline, set), 0);
  EXPECT_EQ(call(*timeline, ioctl::kSwSyncGetDeadline, get), 0);
  EXPECT_EQ(get.deadline_ns, 5000u) << "the earliest counts";
  get = {.deadline_ns = 1, .fence_fd = fd};
  EXPECT_EQ(call(*timeline, ioctl::kSwSyncGetDeadline, get), -EINVAL);
  get = {.fence_fd = 9999};
  EXPECT_EQ(call(*timeline, ioctl::kSwSyncGetDeadline, get), -EINVAL);
}

TEST_F(FenceFiles, OutliveTheirTimelineAndTheDevice) {
  const int32_t fd = fence(1);
  timeline.reset();
  EXPECT_EQ(status(fd), -ENOENT);
  machine.machine().shutdown();
  EXPECT_EQ(status(fd), -ENOENT);
  EXPECT_EQ(table.file(fd).poll(nullptr), POLLIN);
}

}  // namespace
}  // namespace fakegpu::tests
