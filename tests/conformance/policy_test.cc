// SPDX-License-Identifier: MIT
// SET_POLICY: by which policy a ring's jobs are ordered. Who may: tests/system/users_test.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "client.h"

namespace fakegpu::conformance {
namespace {

class Policy : public testing::Test {
 protected:
  ~Policy() override { client_.device().set_policy(names_.front()); }

  int set(std::string_view name, uint32_t ring, uint32_t pad = 0) const {
    drm_fakegpu_set_policy arg = {.ring = ring, .pad = pad};
    std::memcpy(arg.name, name.data(), std::min(name.size(), sizeof(arg.name)));
    return client_.call(DRM_IOCTL_FAKEGPU_SET_POLICY, arg);
  }
  std::vector<std::string> of_rings() const {
    std::vector<std::string> policies;
    for (uint32_t i = 0; i < rings_; ++i) policies.push_back(client_.device().policy(i));
    return policies;
  }

  const Client client_;
  const uint32_t rings_ = client_.device().info().ring_count;
  const std::vector<std::string> names_ = client_.device().policies();
};

TEST_F(Policy, TheDefaultIsTheFirstOfThoseThereAre) {
  EXPECT_EQ(names_, (std::vector<std::string>{"prepaid", "fair", "fifo", "rr", "edf"}));
  EXPECT_EQ(of_rings(), std::vector(rings_, names_.front()));
}

TEST_F(Policy, IsSetForAllRingsOrForOne) {
  for (const std::string& name : names_) {
    EXPECT_EQ(set(name, DRM_FAKEGPU_ALL_RINGS), 0);
    EXPECT_EQ(of_rings(), std::vector(rings_, name));
  }
  EXPECT_EQ(set("rr", 1), 0);
  std::vector expected(rings_, names_.back());
  expected[1] = "rr";
  const Client other;
  for (uint32_t i = 0; i < rings_; ++i) EXPECT_EQ(other.device().policy(i), expected[i]);
}

TEST_F(Policy, WhatIsRefusedChangesNothing) {
  ASSERT_EQ(set("edf", DRM_FAKEGPU_ALL_RINGS), 0);
  for (const char* unknown : {"", "Fifo", "fif", "fifo ", "round-robin"})
    for (const uint32_t ring : {0u, DRM_FAKEGPU_ALL_RINGS})
      EXPECT_EQ(set(unknown, ring), -EINVAL) << unknown;
  EXPECT_EQ(set("fifo............", 0), -EINVAL) << "no NUL";
  for (const uint32_t ring : {rings_, DRM_FAKEGPU_ALL_RINGS - 1})
    EXPECT_EQ(set("fifo", ring), -EINVAL) << ring;
  EXPECT_EQ(set("fifo", 0, 1), -EINVAL);
  EXPECT_EQ(client_.call_at(DRM_IOCTL_FAKEGPU_SET_POLICY, 8), -EFAULT);
  EXPECT_EQ(fakegpu_device_set_policy(client_.device(), "a name that is too long", 0), -EINVAL);
  EXPECT_EQ(of_rings(), std::vector<std::string>(rings_, "edf"));
}

TEST_F(Policy, AnOlderCallersRingInfoIsServedWithoutIt) {
  struct {
    uint8_t known[offsetof(drm_fakegpu_ring_info, policy)];
    uint8_t beyond[sizeof(drm_fakegpu_ring_info::policy)];
  } info;
  std::memset(&info, 0xa5, sizeof(info));
  drm_fakegpu_query arg = {
      .item = DRM_FAKEGPU_QUERY_RING, .data = address_of(&info), .size = sizeof(info.known)};
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(arg.size, sizeof(drm_fakegpu_ring_info));
  EXPECT_TRUE(std::ranges::all_of(info.beyond, [](uint8_t byte) { return byte == 0xa5; }));
}

TEST_F(Policy, NoQueuedJobIsLost) {
  const Gate gate(client_);
  const Worker worker(client_, DRM_FAKEGPU_RING_COMPUTE);
  ASSERT_EQ(gate.submit({}), 0);
  for (size_t i = 0; i < names_.size(); ++i) {
    const Worker other(client_, DRM_FAKEGPU_RING_COMPUTE);
    ASSERT_EQ(other.submit({}, {}), 0);
    ASSERT_EQ(worker.submit({}, {}), 0);
    ASSERT_EQ(set(names_[i], worker.ring()), 0);
  }
  gate.open();
  EXPECT_EQ(fakegpu_context_wait(worker.context(), worker.ring(), names_.size(), INT64_MAX), 0);
}

}  // namespace
}  // namespace fakegpu::conformance
