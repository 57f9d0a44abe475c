// SPDX-License-Identifier: MIT
// What ends a wait: time, a signal from elsewhere, the answer; and what it reports.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <list>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kAll = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
constexpr uint32_t kUntouched = 0xabcd;

TEST(Wait, EndsAtItsAbsoluteTimeAndNeverEarly) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  const int64_t deadline = client.deadline(20 * kMilli);
  EXPECT_EQ(client.wait({&handle, 1}, deadline, kForSubmit), -ETIME);
  EXPECT_GE(client.deadline(0), deadline);
}

TEST(Wait, TimesThatHavePassedLookOnce) {
  const Client client;
  const uint32_t empty = client.make_syncobj();
  const uint32_t signalled = client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  for (const int64_t timeout : {int64_t{0}, int64_t{1}, int64_t{-1}, INT64_MIN}) {
    EXPECT_EQ(client.wait({&empty, 1}, timeout, kForSubmit), -ETIME) << timeout;
    EXPECT_EQ(client.wait({&signalled, 1}, timeout, 0), 0) << timeout;
  }
}

TEST(Wait, TellsWhichOneEndedIt) {
  const Client client;
  const uint32_t handles[] = {client.make_syncobj(), client.make_syncobj(), client.make_syncobj()};
  EXPECT_EQ(client.signal({&handles[1], 1}), 0);
  uint32_t first = kUntouched;
  EXPECT_EQ(client.wait(handles, 0, kForSubmit, &first), 0);
  EXPECT_EQ(first, 1u);
  first = kUntouched;
  EXPECT_EQ(client.wait(handles, 0, kForSubmit | kAll, &first), -ETIME);
  EXPECT_EQ(first, kUntouched) << "unchanged on errors";
}

TEST(Wait, IsAnsweredFromAnotherThread) {
  const Client client;
  const uint32_t handles[] = {client.make_syncobj(), client.make_syncobj()};
  uint32_t first = kUntouched;
  int result = 1;
  BlockedThread waiter([&] { result = client.wait(handles, INT64_MAX, kForSubmit, &first); });
  waiter.wait_until_arrived(client);
  EXPECT_EQ(client.signal({&handles[1], 1}), 0);
  waiter.join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(first, 1u);
}

TEST(Wait, OfManyThreadsAreAllAnswered) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  std::atomic<int> succeeded = 0;
  std::list<BlockedThread> waiters;
  for (uint64_t point = 1; point <= 8; ++point) {
    waiters.emplace_back([&client, &succeeded, handle, point] {
      succeeded += client.timeline_wait({&handle, 1}, {&point, 1}, INT64_MAX, kForSubmit) == 0;
    });
  }
  for (const BlockedThread& waiter : waiters) waiter.wait_until_arrived(client);
  for (uint64_t point = 1; point <= 8; ++point)
    EXPECT_EQ(client.timeline_signal({&handle, 1}, {&point, 1}), 0);
  for (BlockedThread& waiter : waiters) waiter.join();
  EXPECT_EQ(succeeded, 8);
}

TEST(Wait, KeepsWhatItWaitedForWhenTheObjectIsResetOrDestroyed) {
  const Client client;
  Gate gate(client);
  const uint32_t handle = client.make_syncobj();
  ASSERT_EQ(gate.submit({{.handle = handle}}), 0);
  int result = 1;
  BlockedThread waiter([&] { result = client.wait({&handle, 1}, INT64_MAX, 0); });
  // Or it would find the object gone.
  waiter.wait_until_arrived(client);
  EXPECT_EQ(client.reset({&handle, 1}), 0);
  drm_syncobj_destroy destroy = {.handle = handle};
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), 0);
  gate.open();
  waiter.join();
  EXPECT_EQ(result, 0);
}

TEST(Wait, BlocksNobodyElseOnTheSameFile) {
  const Client client;
  const uint32_t handle = client.make_syncobj();
  BlockedThread waiter([&] { client.wait({&handle, 1}, INT64_MAX, kForSubmit); });
  waiter.wait_until_arrived(client);
  drm_get_cap cap = {.capability = DRM_CAP_SYNCOBJ};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, cap), 0);
  EXPECT_EQ(client.signal({&handle, 1}), 0);
  waiter.join();
}

TEST(Wait, MayBeClosedByTheAnswerOfAnotherOfItsObjects) {
  const Client client;
  Gate gate(client);
  const uint32_t submitted = client.make_syncobj();
  const uint32_t late = client.make_syncobj();
  ASSERT_EQ(gate.submit({{.handle = submitted}}), 0);
  const uint32_t handles[] = {submitted, late};
  int result = 1;
  BlockedThread waiter([&] { result = client.wait(handles, INT64_MAX, kForSubmit | kAll); });
  waiter.wait_until_arrived(client);
  EXPECT_EQ(client.signal({&late, 1}), 0);
  gate.open();
  waiter.join();
  EXPECT_EQ(result, 0);
}

void ignore(int) {}

TEST(Wait, EndsWithEintrWhenASignalArrives) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = ignore;  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const Client client;
  const uint32_t handle = client.make_syncobj();
  std::atomic<int> result = 1;
  BlockedThread waiter([&] { result = client.wait({&handle, 1}, INT64_MAX, kForSubmit); });
  // A signal that comes before the wait has begun would be lost.
  waiter.wait_until_arrived(client);
  ::pthread_kill(waiter.handle(), SIGUSR1);
  waiter.join();
  EXPECT_EQ(result, -EINTR);
  // The wait may be repeated as it is, and nothing of the first is left behind.
  EXPECT_EQ(client.signal({&handle, 1}), 0);
  EXPECT_EQ(client.wait({&handle, 1}, INT64_MAX, kForSubmit), 0);
  ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace fakegpu::conformance
