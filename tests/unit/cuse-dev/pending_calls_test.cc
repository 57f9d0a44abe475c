// SPDX-License-Identifier: MIT
#include "pending_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace fakegpu::cuse_dev {
namespace {

fuse_req* request(uintptr_t value) {
  return reinterpret_cast<fuse_req*>(value);
}

TEST(PendingCalls, AReplyAfterTheCallWasAddedEndsIt) {
  PendingCalls calls;
  int file;
  calls.add(1, request(1), &file);
  EXPECT_EQ(calls.owner(1), &file);
  EXPECT_TRUE(calls.finish(1));
  EXPECT_EQ(calls.owner(1), nullptr);
  EXPECT_EQ(calls.size(), 0u);
  EXPECT_TRUE(calls.take_all(nullptr).empty());
}

TEST(PendingCalls, AReplyThatOvertakesTheCallIsNotAnsweredTwice) {
  PendingCalls calls;
  int file;
  EXPECT_TRUE(calls.finish(1));
  calls.add(1, request(1), &file);
  EXPECT_EQ(calls.owner(1), nullptr);
  EXPECT_TRUE(calls.take_all(nullptr).empty());
}

TEST(PendingCalls, TakesTheCallsOfOneFileOnly) {
  PendingCalls calls;
  int first;
  int second;
  calls.add(1, request(1), &first);
  calls.add(2, request(2), &second);
  calls.add(3, request(3), &first);
  EXPECT_EQ(calls.take_all(&first).size(), 2u);
  EXPECT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls.owner(2), &second);
  const auto rest = calls.take_all(nullptr);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].id, 2u);
  EXPECT_EQ(rest[0].request, request(2));
}

TEST(PendingCalls, AReplyToATakenCallIsRefused) {
  PendingCalls calls;
  int file;
  calls.add(1, request(1), &file);
  EXPECT_EQ(calls.take_all(&file).size(), 1u);
  EXPECT_FALSE(calls.finish(1));
}

TEST(PendingCalls, EachCallEndsOnceWhoeverComesFirst) {
  PendingCalls calls;
  int file;
  constexpr uint64_t kCalls = 20000;
  std::atomic<uint64_t> published = 0;
  std::atomic<uint64_t> replied = 0;
  std::thread replier([&] {
    for (uint64_t id = 1; id <= kCalls; ++id) {
      while (published.load(std::memory_order_acquire) < id) std::this_thread::yield();
      if (calls.finish(id)) ++replied;
    }
  });
  uint64_t taken = 0;
  for (uint64_t id = 1; id <= kCalls; ++id) {
    published.store(id, std::memory_order_release);
    calls.add(id, request(id), &file);
    if (id % 64 == 0) taken += calls.take_all(&file).size();
  }
  replier.join();
  EXPECT_EQ(replied + taken, kCalls);
  EXPECT_EQ(calls.size(), 0u);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
