// SPDX-License-Identifier: MIT
// DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE: structs that are longer than those of older headers.
#include <gtest/gtest.h>

#include "client.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
constexpr uint32_t kDeadline = ioctl::kSyncobjWaitDeadline;
constexpr uint32_t kUnknown = 1u << 4;
constexpr size_t kShortWait = offsetof(ioctl::SyncobjWait, deadline_nsec);
constexpr size_t kShortTimelineWait = offsetof(ioctl::SyncobjTimelineWait, deadline_nsec);

class Deadline : public testing::Test {
 protected:
  int wait(size_t size, uint32_t flags, int64_t timeout, uint64_t deadline) const {
    ioctl::SyncobjWait arg = {.handles = address_of(&handle_),
                              .timeout_nsec = timeout,
                              .count_handles = 1,
                              .flags = flags,
                              .deadline_nsec = deadline};
    const int result = client_.call(resized(DRM_IOCTL_SYNCOBJ_WAIT, size), arg);
    EXPECT_EQ(arg.deadline_nsec, deadline);
    return result;
  }
  int timeline_wait(size_t size, uint32_t flags, int64_t timeout, uint64_t deadline) const {
    const uint64_t point = 1;
    ioctl::SyncobjTimelineWait arg = {.handles = address_of(&handle_),
                                      .points = address_of(&point),
                                      .timeout_nsec = timeout,
                                      .count_handles = 1,
                                      .flags = flags,
                                      .deadline_nsec = deadline};
    const int result = client_.call(resized(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, size), arg);
    EXPECT_EQ(arg.deadline_nsec, deadline);
    return result;
  }

  const Client client_;
  const uint32_t handle_ = client_.make_syncobj();
};

TEST_F(Deadline, IsAHintAndEndsNoWait) {
  const Gate gate(client_);
  ASSERT_EQ(gate.submit({{.handle = handle_, .point = 1}}), 0);
  for (const uint64_t deadline : {uint64_t{0}, uint64_t{1}, uint64_t{INT64_MAX}, UINT64_MAX}) {
    EXPECT_EQ(wait(sizeof(ioctl::SyncobjWait), kDeadline, 0, deadline), -ETIME);
    EXPECT_EQ(timeline_wait(sizeof(ioctl::SyncobjTimelineWait), kDeadline, 0, deadline), -ETIME);
  }
  const int64_t timeout = client_.deadline(5 * kMilli);
  EXPECT_EQ(wait(sizeof(ioctl::SyncobjWait), kDeadline, timeout, 1), -ETIME);
  EXPECT_GE(client_.deadline(0), timeout);
  gate.open();
  EXPECT_EQ(wait(sizeof(ioctl::SyncobjWait), kDeadline, INT64_MAX, 1), 0);
  EXPECT_EQ(timeline_wait(sizeof(ioctl::SyncobjTimelineWait), kDeadline, INT64_MAX, 1), 0);
}

TEST_F(Deadline, MayBeAskedForByAnOlderCallersStruct) {
  EXPECT_EQ(wait(kShortWait, kDeadline | kForSubmit, 0, 1), -ETIME);
  EXPECT_EQ(timeline_wait(kShortTimelineWait, kDeadline | kForSubmit, 0, 1), -ETIME);
}

TEST_F(Deadline, IsTheLastKnownFlag) {
  EXPECT_EQ(wait(sizeof(ioctl::SyncobjWait), kUnknown, 0, 0), -EINVAL);
  EXPECT_EQ(timeline_wait(sizeof(ioctl::SyncobjTimelineWait), kUnknown, 0, 0), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
