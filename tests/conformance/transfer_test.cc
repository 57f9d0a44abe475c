// SPDX-License-Identifier: MIT
// SYNCOBJ_TRANSFER: the transfer parts of igt's syncobj_timeline.
#include <gtest/gtest.h>

#include <atomic>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;

struct Transfer : testing::Test {
  int transfer(uint32_t from, uint64_t from_point, uint32_t to, uint64_t to_point,
               uint32_t flags = 0, uint32_t pad = 0) const {
    drm_syncobj_transfer arg = {};
    arg.src_handle = from;
    arg.dst_handle = to;
    arg.src_point = from_point;
    arg.dst_point = to_point;
    arg.flags = flags;
    arg.pad = pad;
    return client.call(DRM_IOCTL_SYNCOBJ_TRANSFER, arg);
  }
  uint64_t value(uint32_t handle, uint32_t flags = 0) const {
    uint64_t point = 0;
    EXPECT_EQ(client.query({&handle, 1}, {&point, 1}, flags), 0);
    return point;
  }

  const Client client;
  const uint32_t from = client.make_syncobj();
  const uint32_t to = client.make_syncobj();
};

TEST_F(Transfer, ABinaryFenceBecomesAPoint) {
  const Gate gate(client);
  ASSERT_EQ(gate.submit({{.handle = from}}), 0);
  ASSERT_EQ(transfer(from, 0, to, 3), 0);
  EXPECT_EQ(value(to), 0u);
  EXPECT_EQ(value(to, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 3u);
  gate.open();
  const uint64_t three = 3;
  EXPECT_EQ(client.timeline_wait({&to, 1}, {&three, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(value(to), 3u);
}

TEST_F(Transfer, APointBecomesABinaryFence) {
  const uint64_t point = 8;
  ASSERT_EQ(client.timeline_signal({&from, 1}, {&point, 1}), 0);
  ASSERT_EQ(transfer(from, 5, to, 0), 0) << "covered by a later one";
  EXPECT_EQ(client.wait({&to, 1}, 0, 0), 0);
}

TEST_F(Transfer, WithinOneTimeline) {
  const uint64_t point = 2;
  ASSERT_EQ(client.timeline_signal({&from, 1}, {&point, 1}), 0);
  ASSERT_EQ(transfer(from, 2, from, 4), 0);
  EXPECT_EQ(value(from), 4u);
}

TEST_F(Transfer, RefusesInTheKernelsOrder) {
  EXPECT_EQ(transfer(kNoHandle, 0, kNoHandle, 0, 0, 1), -EINVAL) << "padding";
  EXPECT_EQ(transfer(from, 0, kNoHandle, 0, 1u << 9), -ENOENT) << "handles before flags";
  EXPECT_EQ(transfer(kNoHandle, 0, to, 0, 1u << 9), -ENOENT);
  EXPECT_EQ(transfer(from, 0, to, 0, 1u << 9), -EINVAL);
  EXPECT_EQ(transfer(from, 0, to, 0), -EINVAL) << "there is no fence";
  EXPECT_EQ(transfer(from, 7, to, 0), -EINVAL);
}

TEST_F(Transfer, WaitsForTheSourceIfAsked) {
  std::atomic<int> result = 1;
  BlockedThread blocked([&] { result = transfer(from, 2, to, 6, kForSubmit); });
  blocked.wait_until_arrived(client);
  EXPECT_EQ(result, 1);
  const uint64_t point = 2;
  ASSERT_EQ(client.timeline_signal({&from, 1}, {&point, 1}), 0);
  blocked.join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(value(to), 6u);
}

}  // namespace
}  // namespace fakegpu::conformance
