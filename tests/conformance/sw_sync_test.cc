// SPDX-License-Identifier: MIT
// sw_sync: igt's suite of that name by meaning.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <vector>

#include "client.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

struct SwSync : testing::Test {
  Fd fence(int timeline, uint32_t value) const {
    ioctl::SwSyncCreateFence arg = {.value = value, .name = "fence", .fence = -1};
    EXPECT_EQ(client.fd_call(timeline, ioctl::kSwSyncIocCreateFence, arg), 0);
    return Fd(arg.fence);
  }
  void inc(int timeline, uint32_t step) const {
    ioctl::SwSyncInc arg = {step};
    EXPECT_EQ(client.fd_call(timeline, ioctl::kSwSyncIocInc, arg), 0);
  }
  Fd merge(int a, int b) const {
    sync_merge_data arg = {};
    std::strcpy(arg.name, "merged");
    arg.fd2 = b;
    EXPECT_EQ(client.fd_call(a, SYNC_IOC_MERGE, arg), 0);
    return Fd(arg.fence);
  }
  sync_file_info info(int fd, std::vector<struct sync_fence_info>* fences = nullptr) const {
    sync_file_info arg = {};
    EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, arg), 0);
    if (fences == nullptr) return arg;
    fences->resize(arg.num_fences);
    arg.sync_fence_info = address_of(fences->data());
    EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, arg), 0);
    return arg;
  }

  const Client client;
  const Fd timeline = client.sw_sync();
};

TEST_F(SwSync, FencesSignalWhenTheTimelineReachesThem) {
  const Fd one = fence(timeline, 1);
  const Fd three = fence(timeline, 3);
  EXPECT_EQ(poll_events(one), 0);
  inc(timeline, 1);
  EXPECT_EQ(poll_events(one), POLLIN);
  EXPECT_EQ(poll_events(three), 0);
  inc(timeline, 5);
  EXPECT_EQ(poll_events(three), POLLIN);
  EXPECT_EQ(poll_events(fence(timeline, 2)), POLLIN) << "what was reached before";
}

TEST_F(SwSync, ClosingTheTimelineSignalsItsFencesWithAnError) {
  Fd fence_fd;
  {
    const Fd closed = client.sw_sync();
    fence_fd = fence(closed, 7);
    EXPECT_EQ(poll_events(fence_fd), 0);
  }
  EXPECT_EQ(poll_events(fence_fd, -1), POLLIN);
  EXPECT_EQ(info(fence_fd).status, -ENOENT);
}

TEST_F(SwSync, MergeKeepsTheLaterFenceOfEachTimeline) {
  const Fd other = client.sw_sync();
  const Fd a1 = fence(timeline, 1);
  const Fd a3 = fence(timeline, 3);
  const Fd b2 = fence(other, 2);
  const Fd a = merge(a1, a3);
  EXPECT_EQ(info(a).num_fences, 1u);
  const Fd both = merge(a, b2);
  std::vector<struct sync_fence_info> fences;
  EXPECT_EQ(info(both, &fences).num_fences, 2u);
  inc(timeline, 3);
  EXPECT_EQ(poll_events(both), 0);
  EXPECT_EQ(info(both, &fences).status, 0);
  EXPECT_EQ(fences[0].status + fences[1].status, 1);
  inc(other, 2);
  EXPECT_EQ(poll_events(both), POLLIN);
  EXPECT_EQ(info(both).status, 1);
}

TEST_F(SwSync, MergedWithItselfItIsOneFence) {
  const Fd fd = fence(timeline, 1);
  EXPECT_EQ(info(merge(fd, fd)).num_fences, 1u);
}

TEST_F(SwSync, ItsFencesGoIntoSyncobjs) {
  const Fd fd = fence(timeline, 4);
  uint32_t handle = client.make_syncobj();
  ASSERT_EQ(client.fd_to_handle(fd, handle, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE), 0);
  EXPECT_EQ(client.wait({&handle, 1}, 0, 0), -ETIME);
  inc(timeline, 4);
  EXPECT_EQ(client.wait({&handle, 1}, 0, 0), 0);
}

TEST_F(SwSync, AJobWaitsForItsFence) {
  const Fd fd = fence(timeline, 1);
  uint32_t in = client.make_syncobj();
  const uint32_t out = client.make_syncobj();
  ASSERT_EQ(client.fd_to_handle(fd, in, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE), 0);
  const Worker worker(client, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(worker.submit({{.handle = in}}, {{.handle = out}}), 0);
  EXPECT_EQ(client.wait({&out, 1}, 0, 0), -ETIME);
  inc(timeline, 1);
  EXPECT_EQ(client.wait({&out, 1}, INT64_MAX, 0), 0);
}

TEST_F(SwSync, RefusesCallsThatItDoesNotKnow) {
  ioctl::SwSyncInc arg = {1};
  const Fd fd = fence(timeline, 1);
  EXPECT_EQ(client.fd_call(fd, ioctl::kSwSyncIocInc, arg), -ENOTTY) << "on a fence";
  EXPECT_EQ(client.fd_call(timeline, _IOW('W', 9, uint32_t), arg), -ENOTTY);
  EXPECT_EQ(fakegpu_fd_ioctl(client.device(), timeline, ioctl::kSwSyncIocInc,
                             reinterpret_cast<void*>(kBadAddresses[0])),
            -EFAULT);
}

TEST_F(SwSync, TellsTheEarliestDeadline) {
  const Fd fd = fence(timeline, 1);
  ioctl::SwSyncGetDeadline arg = {.fence_fd = fd};
  EXPECT_EQ(client.fd_call(timeline, ioctl::kSwSyncGetDeadline, arg), -ENOENT);
  for (const uint64_t ns : {9'000ull, 5'000ull, 7'000ull}) {
    ioctl::SyncSetDeadline set = {.deadline_ns = ns};
    ASSERT_EQ(client.fd_call(fd, ioctl::kSyncIocSetDeadline, set), 0);
  }
  ASSERT_EQ(client.fd_call(timeline, ioctl::kSwSyncGetDeadline, arg), 0);
  EXPECT_EQ(arg.deadline_ns, 5'000u);
}

TEST_F(SwSync, ManyFencesAreReleasedInOneStep) {
  std::vector<Fd> fences;
  for (uint32_t i = 1; i <= 200; ++i) fences.push_back(fence(timeline, i));
  inc(timeline, 200);
  for (const Fd& fd : fences) ASSERT_EQ(poll_events(fd), POLLIN);
}

}  // namespace
}  // namespace fakegpu::conformance
