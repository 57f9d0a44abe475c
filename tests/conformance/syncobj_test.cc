// SPDX-License-Identifier: MIT
// Syncobjs but their waits: igt's syncobj_basic and the invalid-* cases of syncobj_wait.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

TEST(Syncobj, HandlesAreTheLowestFree) {
  const Client client;
  EXPECT_EQ(client.make_syncobj(), 1u);
  EXPECT_EQ(client.make_syncobj(), 2u);
  drm_syncobj_destroy destroy = {.handle = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), 0);
  EXPECT_EQ(client.make_syncobj(), 1u);
}

TEST(Syncobj, CreateRefusesUnknownFlags) {
  const Client client;
  for (const uint32_t flags : {2u, 3u, 1u << 31, UINT32_MAX}) {
    drm_syncobj_create arg = {.flags = flags};
    EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_CREATE, arg), -EINVAL) << flags;
  }
}

TEST(Syncobj, DestroyRefusesBadHandlesAndPadding) {
  const Client client;
  for (const uint32_t handle : {0u, 1u, kNoHandle, UINT32_MAX}) {
    drm_syncobj_destroy arg = {.handle = handle};
    EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_DESTROY, arg), -EINVAL) << handle;
  }
  drm_syncobj_destroy arg = {.handle = client.make_syncobj(), .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_DESTROY, arg), -EINVAL);
  arg.pad = 0;
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_DESTROY, arg), 0);
}

TEST(Syncobj, StartsEmptyOrSignalled) {
  const Client client;
  const uint32_t empty = client.make_syncobj();
  const uint32_t signalled = client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  EXPECT_EQ(client.wait({&empty, 1}, 0, 0), -EINVAL);
  EXPECT_EQ(client.wait({&signalled, 1}, 0, 0), 0);
}

TEST(Syncobj, SignalAndResetTakeManyAtOnce) {
  const Client client;
  std::vector<uint32_t> handles;
  for (int i = 0; i < 300; ++i) handles.push_back(client.make_syncobj());
  EXPECT_EQ(client.signal(handles), 0);
  EXPECT_EQ(client.wait(handles, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), 0);
  EXPECT_EQ(client.reset(handles), 0);
  EXPECT_EQ(client.wait(handles, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), -EINVAL);
  EXPECT_EQ(client.wait(handles, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT), -ETIME);
}

TEST(Syncobj, ABadHandleInTheListHasNoEffectOnTheOthers) {
  const Client client;
  const uint32_t good = client.make_syncobj();
  const uint32_t handles[] = {good, kNoHandle};
  EXPECT_EQ(client.signal(handles), -ENOENT);
  EXPECT_EQ(client.wait({&good, 1}, 0, 0), -EINVAL) << "still empty";
  EXPECT_EQ(client.signal({&good, 1}), 0);
  EXPECT_EQ(client.reset(handles), -ENOENT);
  EXPECT_EQ(client.wait({&good, 1}, 0, 0), 0) << "still signalled";
}

class ArrayCall : public testing::TestWithParam<unsigned long> {
 protected:
  int call(drm_syncobj_array arg) const { return client_.call(GetParam(), arg); }

  const Client client_;
  const uint32_t handle_ = client_.make_syncobj();
};

TEST_P(ArrayCall, RefusesBadArguments) {
  EXPECT_EQ(call({.handles = address_of(&handle_), .count_handles = 0}), -EINVAL);
  EXPECT_EQ(call({.handles = address_of(&handle_), .count_handles = 1, .pad = 1}), -EINVAL);
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX})
    EXPECT_EQ(call({.handles = address_of(&bad), .count_handles = 1}), -ENOENT) << bad;
  for (const uint64_t address : {uint64_t{0}, kBadAddresses[0], kBadAddresses[1], UINT64_MAX - 1}) {
    EXPECT_EQ(call({.handles = address, .count_handles = 1}), -EFAULT) << address;
    EXPECT_EQ(call({.handles = address, .count_handles = 0}), -EINVAL) << "counts before arrays";
  }
}

TEST_P(ArrayCall, HugeCountsFindNoMemory) {
  for (const uint32_t count : {524'289u, 1u << 24, kHuge})
    EXPECT_EQ(call({.handles = address_of(&handle_), .count_handles = count}), -ENOMEM) << count;
}

INSTANTIATE_TEST_SUITE_P(Both, ArrayCall,
                         testing::Values(DRM_IOCTL_SYNCOBJ_SIGNAL, DRM_IOCTL_SYNCOBJ_RESET));

class WaitCall : public testing::TestWithParam<unsigned long> {
 protected:
  // Either wait: the timeline's struct has the other's fields.
  int call(uint64_t handles, uint32_t count, uint32_t flags, uint32_t pad = 0,
           uint64_t points = 0) const {
    if (GetParam() == DRM_IOCTL_SYNCOBJ_WAIT) {
      drm_syncobj_wait arg = {};
      arg.handles = handles;
      arg.count_handles = count;
      arg.flags = flags;
      arg.pad = pad;
      return client_.call(DRM_IOCTL_SYNCOBJ_WAIT, arg);
    }
    drm_syncobj_timeline_wait arg = {};
    arg.handles = handles;
    arg.points = points;
    arg.count_handles = count;
    arg.flags = flags;
    arg.pad = pad;
    return client_.call(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, arg);
  }
  bool timeline() const { return GetParam() == DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT; }

  const Client client_;
  const uint32_t handle_ = client_.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
};

TEST_P(WaitCall, RefusesUnknownFlagsFirst) {
  for (const uint32_t flags : {16u, 1u << 31, UINT32_MAX}) {
    EXPECT_EQ(call(address_of(&handle_), 1, flags), -EINVAL) << flags;
    EXPECT_EQ(call(0x8, 1, flags), -EINVAL) << flags;
    EXPECT_EQ(call(0x8, 0, flags), -EINVAL) << flags;
  }
  EXPECT_EQ(call(address_of(&handle_), 1, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE),
            timeline() ? 0 : -EINVAL);
}

TEST_P(WaitCall, NothingToWaitForIsSuccess) {
  EXPECT_EQ(call(0, 0, 0), 0);
  EXPECT_EQ(call(0x8, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), 0);
}

TEST_P(WaitCall, PaddingIsIgnored) {
  EXPECT_EQ(call(address_of(&handle_), 1, 0, 1), 0);
}

TEST_P(WaitCall, BadArraysAreFaults) {
  for (const uint64_t address : {uint64_t{0}, kBadAddresses[0], kBadAddresses[1], UINT64_MAX - 1}) {
    EXPECT_EQ(call(address, 1, 0), -EFAULT) << address;
    if (timeline() && address != 0) {
      EXPECT_EQ(call(address_of(&handle_), 1, 0, 0, address), -EFAULT);
    }
  }
}

TEST_P(WaitCall, BadHandlesDoNotExist) {
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX}) {
    const uint32_t handles[] = {handle_, bad};
    EXPECT_EQ(call(address_of(handles), 2, 0), -ENOENT)
        << "though the first of them has signalled; handle " << bad;
  }
}

TEST_P(WaitCall, HugeCountsFindNoMemory) {
  for (const uint32_t count : {524'289u, 1u << 24, kHuge})
    EXPECT_EQ(call(address_of(&handle_), count, 0), -ENOMEM) << count;
}

INSTANTIATE_TEST_SUITE_P(Both, WaitCall,
                         testing::Values(DRM_IOCTL_SYNCOBJ_WAIT, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT));

}  // namespace
}  // namespace fakegpu::conformance
