// SPDX-License-Identifier: MIT
// What one open file may have under way: beyond it a submission is refused and changes nothing, and
// the file works on as soon as there is room.
#include <gtest/gtest.h>

#include <atomic>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kFileJobs = 4096;  // drv::Options::file_jobs
constexpr uint32_t kEvents = 4096;    // drv::EventQueue::kLimit
constexpr size_t kContexts = 4;       // of drv::Options::entity_jobs each, to use that up

class Limits : public testing::Test {
 protected:
  // A job without packets behind the gate, of each context in turn, or what refuses it.
  int submit(uint32_t flags = 0, uint32_t out = 0) const {
    return submit_of(contexts_[next_++ % kContexts].id(), flags, out);
  }
  int submit_of(uint32_t context, uint32_t flags, uint32_t out) const {
    const drm_fakegpu_sync sync = {.handle = out};
    drm_fakegpu_submit arg = {};
    arg.ctx_id = context;
    arg.flags = flags;
    arg.in_sync_count = 1;
    arg.in_syncs = address_of(&held_);
    arg.out_sync_count = out != 0;
    arg.out_syncs = address_of(&sync);
    return client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
  }
  void hold() const { ASSERT_EQ(gate_.submit({held_}), 0); }
  // The gate's job is one.
  void fill_up() const {
    hold();
    for (uint32_t i = 1; i < kFileJobs; ++i) ASSERT_EQ(submit(), 0) << i;
  }
  void open_and_wait() const {
    gate_.open();
    for (const Context& context : contexts_) {
      const uint32_t last = client_.make_syncobj();
      // After the others of the context; the last of them may not have been counted off yet.
      int result;
      do {
        result = submit_of(context.id(), 0, last);
      } while (result == -EAGAIN);
      ASSERT_EQ(result, 0);
      ASSERT_EQ(client_.wait({&last, 1}, INT64_MAX, 0), 0);
    }
  }

  const Client client_;
  const Context contexts_[kContexts] = {Context(client_.device()), Context(client_.device()),
                                        Context(client_.device()), Context(client_.device())};
  mutable size_t next_ = 0;
  const drm_fakegpu_sync held_ = {.handle = client_.make_syncobj()};
  const Gate gate_{client_};
};

// One test, as thousands of calls take seconds over some transports.
TEST_F(Limits, JobsBeyondTheFilesShareWaitForRoomAndDisturbNobody) {
  fill_up();
  const uint32_t out = client_.make_syncobj();
  const Context& context = contexts_[0];
  const uint64_t before = context.query().jobs_submitted;
  EXPECT_EQ(submit(0, out), -EAGAIN);
  EXPECT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT, out), -EAGAIN);
  EXPECT_EQ(client_.wait({&out, 1}, 0, 0), -EINVAL) << "still without a fence";

  const Client other;
  const Worker worker(other, DRM_FAKEGPU_RING_GFX);
  const uint32_t done = other.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0) << "the share is each file's own";
  EXPECT_EQ(other.wait({&done, 1}, INT64_MAX, 0), 0);

  std::atomic<int> result = 1;
  BlockedThread submitter([&] {
    fakegpu_submission job = {};
    result = fakegpu_context_submit(context, &job, nullptr);
  });
  submitter.wait_until_blocked();
  EXPECT_EQ(result, 1) << "the library waits for room";
  EXPECT_EQ(context.query().jobs_submitted, before);
  gate_.open();
  submitter.join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(context.query().jobs_submitted, before + 1);
  open_and_wait();
  drm_fakegpu_event_fence event;
  EXPECT_EQ(fakegpu_device_read_events(client_.device(), &event, 1, 0), -EAGAIN)
      << "a refused job has no event";
}

TEST_F(Limits, EventsThatNobodyReadsLeaveNoRoomForMore) {
  hold();
  for (uint32_t i = 1; i < kFileJobs; ++i) ASSERT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT), 0) << i;
  open_and_wait();
  for (uint32_t i = kFileJobs; i <= kEvents; ++i)  // the gate's job has none
    ASSERT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT), 0) << i;
  const uint32_t out = client_.make_syncobj();
  EXPECT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT, out), -ENOMEM);
  EXPECT_EQ(client_.wait({&out, 1}, 0, 0), -EINVAL) << "still without a fence";
  EXPECT_EQ(submit(0, out), 0) << "without an event there is room";
  ASSERT_EQ(client_.wait({&out, 1}, INT64_MAX, 0), 0);

  drm_fakegpu_event_fence event = {};
  ASSERT_EQ(fakegpu_device_read_events(client_.device(), &event, 1, 1), 1);
  EXPECT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT), 0) << "one was read";
  EXPECT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT), -ENOMEM);
  std::vector<drm_fakegpu_event_fence> events(kEvents);
  uint32_t read = 0;
  while (read < kEvents) {
    const int got = fakegpu_device_read_events(client_.device(), events.data(), kEvents, 1);
    ASSERT_GT(got, 0);
    read += static_cast<uint32_t>(got);
  }
  EXPECT_EQ(read, kEvents);
  EXPECT_EQ(fakegpu_device_read_events(client_.device(), &event, 1, 0), -EAGAIN);
  EXPECT_EQ(submit(DRM_FAKEGPU_SUBMIT_EVENT), 0);
}

}  // namespace
}  // namespace fakegpu::conformance
