// SPDX-License-Identifier: MIT
// Fence events: SUBMIT_EVENT, poll() and read().
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

class Events : public testing::Test {
 protected:
  int submit(uint64_t user_data) const {
    return worker_.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT, user_data);
  }
  int read(std::span<drm_fakegpu_event_fence> to, bool block) const {
    return fakegpu_device_read_events(client_.device(), to.data(), static_cast<uint32_t>(to.size()),
                                      block);
  }

  const Client client_;
  const Worker worker_{client_, DRM_FAKEGPU_RING_GFX};
};

TEST_F(Events, TellWhichJobIsDone) {
  ASSERT_EQ(fakegpu_cmd_nop(worker_.packets(), 8), 0);
  ASSERT_EQ(submit(0x1122'3344'5566'7788), 0);
  drm_fakegpu_event_fence event = {};
  ASSERT_EQ(read({&event, 1}, true), 1);
  EXPECT_EQ(event.base.type, DRM_FAKEGPU_EVENT_FENCE);
  EXPECT_EQ(event.base.length, sizeof(event));
  EXPECT_EQ(event.user_data, 0x1122'3344'5566'7788u);
  EXPECT_EQ(event.seqno, 1u);
  EXPECT_EQ(event.ctx_id, worker_.context().id());
  EXPECT_EQ(event.ring, worker_.ring());
  EXPECT_EQ(event.error, 0);
  EXPECT_EQ(event.pad, 0u);
  EXPECT_EQ(read({&event, 1}, false), -EAGAIN);
}

TEST_F(Events, AreNotSentUnlessAskedFor) {
  const uint32_t done = client_.make_syncobj();
  ASSERT_EQ(worker_.submit({}, {{.handle = done}}), 0);
  ASSERT_EQ(client_.wait({&done, 1}, INT64_MAX, 0), 0);
  drm_fakegpu_event_fence event;
  EXPECT_EQ(read({&event, 1}, false), -EAGAIN);
}

TEST_F(Events, ComeInOrderAndSeveralAtATime) {
  const uint32_t done = client_.make_syncobj();
  for (uint64_t i = 0; i < 5; ++i) ASSERT_EQ(submit(i), 0);
  ASSERT_EQ(worker_.submit({}, {{.handle = done}}), 0);
  ASSERT_EQ(client_.wait({&done, 1}, INT64_MAX, 0), 0);
  drm_fakegpu_event_fence events[8];
  ASSERT_EQ(read({events, 2}, false), 2);
  EXPECT_EQ(events[0].user_data, 0u);
  EXPECT_EQ(events[1].user_data, 1u);
  ASSERT_EQ(read(events, false), 3);
  EXPECT_EQ(events[0].user_data, 2u);
  EXPECT_EQ(events[2].user_data, 4u);
}

TEST_F(Events, AreReadWholeAcrossPages) {
  const uint32_t done = client_.make_syncobj();
  for (uint64_t i = 0; i < 3; ++i) ASSERT_EQ(submit(i), 0);
  ASSERT_EQ(worker_.submit({}, {{.handle = done}}), 0);
  ASSERT_EQ(client_.wait({&done, 1}, INT64_MAX, 0), 0);
  alignas(kPage) std::byte pages[2 * kPage];
  auto* const events = reinterpret_cast<drm_fakegpu_event_fence*>(pages + kPage - 16);
  ASSERT_EQ(read({events, 3}, false), 3);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(events[i].user_data, i);
}

TEST_F(Events, WakeABlockedReader) {
  int result = 0;
  drm_fakegpu_event_fence event = {};
  BlockedThread reader([&] { result = read({&event, 1}, true); });
  reader.wait_until_arrived(client_);
  ASSERT_EQ(submit(42), 0);
  reader.join();
  EXPECT_EQ(result, 1);
  EXPECT_EQ(event.user_data, 42u);
}

TEST_F(Events, BelongToTheFileThatAsked) {
  const Client other;
  ASSERT_EQ(submit(1), 0);
  drm_fakegpu_event_fence event;
  ASSERT_EQ(read({&event, 1}, true), 1);
  EXPECT_EQ(fakegpu_device_read_events(other.device(), &event, 1, 0), -EAGAIN);
}

TEST_F(Events, MakeTheDescriptorReadable) {
  pollfd poll_fd = {fakegpu_device_fd(client_.device()), POLLIN, 0};
  if (poll_fd.fd < 0) {
    EXPECT_FALSE(client_.has_node());
    return;
  }
  EXPECT_EQ(::poll(&poll_fd, 1, 0), 0);
  ASSERT_EQ(submit(7), 0);
  EXPECT_EQ(::poll(&poll_fd, 1, 60'000), 1);
  EXPECT_EQ(poll_fd.revents & POLLIN, POLLIN);
  uint8_t small[8];
  EXPECT_EQ(::read(poll_fd.fd, small, sizeof(small)), 0) << "events come whole or not at all";
  drm_fakegpu_event_fence event = {};
  EXPECT_EQ(::read(poll_fd.fd, &event, sizeof(event)), static_cast<ssize_t>(sizeof(event)));
  EXPECT_EQ(event.user_data, 7u);
  EXPECT_EQ(::poll(&poll_fd, 1, 0), 0);
}

}  // namespace
}  // namespace fakegpu::conformance
