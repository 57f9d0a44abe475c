// SPDX-License-Identifier: MIT
#include "base/handoff_mutex.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/pause.h"
#include "base/real_executor.h"

namespace fakegpu::base {
namespace {

void pause_times(unsigned times) {
  for (unsigned i = 0; i < times; ++i) pause();
}

// Of a thread of this process: 'R' runs or could, 'S' sleeps.
char state_of(pid_t tid) {
  std::ifstream stat("/proc/self/task/" + std::to_string(tid) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.at(text.rfind(')') + 2);
}

void wait_until_asleep(const std::atomic<pid_t>& tid) {
  while (tid == 0 || state_of(tid) != 'S') std::this_thread::yield();
}

// Threads that hold it for `held` and are away for `away`; the count is no atomic.
void count_together(unsigned threads, unsigned rounds, unsigned held, unsigned away) {
  HandoffMutex mutex;
  uint64_t count = 0;
  std::vector<std::thread> counters;
  for (unsigned i = 0; i < threads; ++i)
    counters.emplace_back([&] {
      for (unsigned round = 0; round < rounds; ++round) {
        mutex.lock();
        const uint64_t before = count;
        pause_times(held);
        count = before + 1;
        mutex.unlock();
        pause_times(away);
      }
    });
  for (std::thread& counter : counters) counter.join();
  EXPECT_EQ(count, uint64_t{threads} * rounds);
}

TEST(HandoffMutex, OneHoldsIt) {
  count_together(2, 200'000, 0, 0);
  count_together(4, 20'000, 0, 10);
  count_together(4, 20'000, 10, 0);
  count_together(8, 2'000, 40, 40);
}

// Longer holds than waiters stay awake for.
TEST(HandoffMutex, OneHoldsItWhenHoldsAreLong) {
  count_together(3, 300, 1'000, 0);
  count_together(3, 300, 1'000, 1'000);
}

TEST(HandoffMutex, WhoAlwaysComesBackMustLeaveItToTheOthers) {
  HandoffMutex mutex;
  std::atomic<bool> done{false};
  std::thread greedy([&] {
    while (!done) {
      mutex.lock();
      mutex.unlock();
    }
  });
  std::vector<std::thread> modest;
  std::atomic<int> turns{0};
  for (int i = 0; i < 3; ++i)
    modest.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn) {
        mutex.lock();
        ++turns;
        mutex.unlock();
      }
    });
  for (std::thread& thread : modest) thread.join();
  done = true;
  greedy.join();
  EXPECT_EQ(turns, 60);
}

TEST(HandoffMutex, ItIsLeftToWhoeverHasLostPatience) {
  HandoffMutex mutex;
  std::atomic<pid_t> tid = 0;
  bool had_it = false;
  const MonotonicClock clock;
  mutex.lock();
  std::thread heir([&] {
    tid = ::gettid();
    mutex.lock();
    had_it = true;
    mutex.unlock();
  });
  wait_until_asleep(tid);
  for (const Nanos begin = clock.now(); clock.now() - begin < HandoffMutex::kPatience;) pause();
  // It was asleep, so this thread may have it once more.
  mutex.unlock();
  mutex.lock();
  if (!had_it) {
    wait_until_asleep(tid);
    mutex.unlock();
    mutex.lock();
  }
  EXPECT_TRUE(had_it);
  mutex.unlock();
  heir.join();
}

TEST(HandoffMutex, AllSleepThroughALongHold) {
  HandoffMutex mutex;
  constexpr int kThreads = 3;
  std::atomic<pid_t> tids[kThreads] = {};
  int turns = 0;
  mutex.lock();
  std::vector<std::thread> waiters;
  for (auto& tid : tids)
    waiters.emplace_back([&] {
      tid = ::gettid();
      mutex.lock();
      ++turns;
      mutex.unlock();
    });
  for (const auto& tid : tids) wait_until_asleep(tid);
  EXPECT_EQ(turns, 0);
  mutex.unlock();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(turns, kThreads);
}

}  // namespace
}  // namespace fakegpu::base
