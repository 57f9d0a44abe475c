// SPDX-License-Identifier: MIT
// Timelines: igt's syncobj_timeline.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

class Timeline : public testing::Test {
 protected:
  uint64_t value(uint32_t flags = 0) const {
    uint64_t point = ~0ull;
    EXPECT_EQ(client_.query({&handle_, 1}, {&point, 1}, flags), 0);
    return point;
  }
  int signal(uint64_t point) const { return client_.timeline_signal({&handle_, 1}, {&point, 1}); }
  int wait(uint64_t point, uint32_t flags = 0, int64_t timeout = 0) const {
    return client_.timeline_wait({&handle_, 1}, {&point, 1}, timeout, flags);
  }

  const Client client_;
  const uint32_t handle_ = client_.make_syncobj();
};

TEST_F(Timeline, QueryOfABinaryOrEmptyObjectIsZero) {
  EXPECT_EQ(value(), 0u);
  EXPECT_EQ(client_.signal({&handle_, 1}), 0);
  EXPECT_EQ(value(), 0u);
}

TEST_F(Timeline, PointsGrow) {
  for (const uint64_t point : {1ull, 2ull, 100ull, 0x7fff'ffffull, 0x8000'0000ull, 0xffff'ffffull,
                               0x1'0000'0000ull, 0x1'0000'0001ull}) {
    EXPECT_EQ(wait(point), -EINVAL) << point;
    EXPECT_EQ(signal(point), 0);
    EXPECT_EQ(value(), point);
    EXPECT_EQ(wait(point), 0);
    EXPECT_EQ(wait(1), 0);
  }
}

TEST_F(Timeline, ASignalBehindAPendingPointCountsOnlyAfterIt) {
  Gate gate(client_);
  ASSERT_EQ(gate.submit({{.handle = handle_, .point = 3}}), 0);
  EXPECT_EQ(signal(8), 0);
  EXPECT_EQ(value(DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 8u);
  EXPECT_EQ(value(), 0u);
  EXPECT_EQ(wait(8), -ETIME);
  EXPECT_EQ(wait(8, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE), 0);
  gate.open();
  EXPECT_EQ(wait(8, 0, INT64_MAX), 0);
  EXPECT_EQ(value(), 8u);
}

TEST_F(Timeline, PointsOfTheGpuCompleteInOrder) {
  Gate gate(client_);
  ASSERT_EQ(gate.submit({{.handle = handle_, .point = 5}}), 0);
  ASSERT_EQ(gate.submit({{.handle = handle_, .point = 7}}), 0);
  EXPECT_EQ(wait(6), -ETIME);
  EXPECT_EQ(wait(9), -EINVAL);
  gate.open();
  EXPECT_EQ(wait(6, 0, INT64_MAX), 0) << "a point in between is covered by the next";
  EXPECT_EQ(wait(7, 0, INT64_MAX), 0);
  EXPECT_EQ(value(), 7u);
}

TEST_F(Timeline, WithoutPointsAllAreZero) {
  drm_syncobj_timeline_array arg = {.handles = address_of(&handle_), .count_handles = 1};
  EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg), 0);
  EXPECT_EQ(wait(0), 0);
}

TEST_F(Timeline, SignalAndQueryTakeMany) {
  std::vector<uint32_t> handles;
  std::vector<uint64_t> points;
  for (uint64_t i = 1; i <= 200; ++i) {
    handles.push_back(client_.make_syncobj());
    points.push_back(i * 3);
  }
  EXPECT_EQ(client_.timeline_signal(handles, points), 0);
  std::vector<uint64_t> values(handles.size());
  EXPECT_EQ(client_.query(handles, values), 0);
  EXPECT_EQ(values, points);
}

TEST_F(Timeline, ResetEmptiesIt) {
  EXPECT_EQ(signal(4), 0);
  EXPECT_EQ(client_.reset({&handle_, 1}), 0);
  EXPECT_EQ(value(), 0u);
  EXPECT_EQ(wait(4), -EINVAL);
}

class TimelineArrayCall : public testing::TestWithParam<unsigned long> {
 protected:
  int call(drm_syncobj_timeline_array arg) const { return client_.call(GetParam(), arg); }

  const Client client_;
  const uint32_t handle_ = client_.make_syncobj();
  uint64_t point_ = 1;
};

TEST_P(TimelineArrayCall, RefusesBadArguments) {
  const uint64_t handles = address_of(&handle_);
  const uint64_t points = address_of(&point_);
  EXPECT_EQ(call({.handles = handles, .points = points, .count_handles = 0}), -EINVAL);
  EXPECT_EQ(call({.handles = handles, .points = points, .count_handles = 1, .flags = 2}), -EINVAL);
  EXPECT_EQ(call({.handles = handles, .points = points, .count_handles = 1, .flags = 1u << 31}),
            -EINVAL);
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX})
    EXPECT_EQ(call({.handles = address_of(&bad), .points = points, .count_handles = 1}), -ENOENT);
  for (const uint64_t address : {kBadAddresses[0], kBadAddresses[1], UINT64_MAX - 1}) {
    EXPECT_EQ(call({.handles = address, .points = points, .count_handles = 1}), -EFAULT);
    EXPECT_EQ(call({.handles = handles, .points = address, .count_handles = 1}), -EFAULT);
    EXPECT_EQ(call({.handles = address, .points = points, .count_handles = 1, .flags = 2}),
              -EINVAL);
  }
  EXPECT_EQ(client_.query({&handle_, 1}, {&point_, 1}), 0);
  EXPECT_EQ(point_, 0u) << "no effect";
}

TEST_P(TimelineArrayCall, HugeCountsFindNoMemory) {
  for (const uint32_t count : {524'289u, 1u << 24, kHuge})
    EXPECT_EQ(call({.handles = address_of(&handle_),
                    .points = address_of(&point_),
                    .count_handles = count}),
              -ENOMEM)
        << count;
}

INSTANTIATE_TEST_SUITE_P(Both, TimelineArrayCall,
                         testing::Values(DRM_IOCTL_SYNCOBJ_QUERY,
                                         DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL));

TEST(TimelineQuery, WithoutPointsIsAFault) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  drm_syncobj_timeline_array arg = {.handles = address_of(&handle), .count_handles = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_QUERY, arg), -EFAULT);
}

TEST(TimelineSignal, TakesNoFlags) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  const uint64_t point = 1;
  drm_syncobj_timeline_array arg = {.handles = address_of(&handle),
                                    .points = address_of(&point),
                                    .count_handles = 1,
                                    .flags = DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED};
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
