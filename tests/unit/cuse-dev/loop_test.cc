// SPDX-License-Identifier: MIT
#include "loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
  }
  void put(char byte = 'x') { EXPECT_EQ(::write(write_end.get(), &byte, 1), 1); }
  bool take() {
    char byte;
    return ::read(read_end.get(), &byte, 1) == 1;
  }
  base::UniqueFd read_end;
  base::UniqueFd write_end;
};

class LoopTest : public testing::TestWithParam<LoopKind> {
 protected:
  void SetUp() override {
    auto made = make_loop(GetParam());
    if (!made) GTEST_SKIP() << "machine lacks it: " << made.error().message();
    loop_ = std::move(*made);
  }
  std::unique_ptr<Loop> loop_;
};

TEST_P(LoopTest, StopsBeforeItRan) {
  loop_->stop();
  loop_->run();
}

TEST_P(LoopTest, RunsTasksInOrderAndCanRunAgain) {
  std::string order;
  loop_->post([&] { order += "a"; });
  loop_->post([&] {
    order += "b";
    loop_->post([&] {
      order += "c";
      loop_->stop();
    });
  });
  loop_->run();
  EXPECT_EQ(order, "abc");
  loop_->post([&] {
    order += "d";
    loop_->stop();
  });
  loop_->run();
  EXPECT_EQ(order, "abcd");
}

TEST_P(LoopTest, CallsBackWhileThereIsSomethingAndNotAfter) {
  Pipe pipe;
  for (int i = 0; i < 3; ++i) pipe.put();
  int taken = 0;
  int dry = 0;
  loop_->watch(pipe.read_end.get(), [&] {
    if (!pipe.take()) {
      ++dry;
      return false;
    }
    if (++taken == 3) loop_->post([&] { loop_->stop(); });
    return true;
  });
  loop_->run();
  EXPECT_EQ(taken, 3);
  // By level nothing is read in vain.
  EXPECT_LE(dry, 2);
}

TEST_P(LoopTest, SeesWhatArrivesLaterAgainAndAgain) {
  Pipe pipe;
  constexpr int kRounds = 1000;
  int taken = 0;
  loop_->watch(pipe.read_end.get(), [&] {
    if (!pipe.take()) return false;
    if (++taken == kRounds)
      loop_->stop();
    else
      pipe.put();
    return true;
  });
  pipe.put();
  loop_->run();
  EXPECT_EQ(taken, kRounds);
}

TEST_P(LoopTest, WakesForAnotherThreadsWrite) {
  Pipe pipe;
  int taken = 0;
  loop_->watch(pipe.read_end.get(), [&] {
    if (!pipe.take()) return false;
    if (++taken == 200) loop_->stop();
    return true;
  });
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      pipe.put();
      std::this_thread::yield();
    }
  });
  loop_->run();
  writer.join();
  EXPECT_EQ(taken, 200);
}

TEST_P(LoopTest, RunsTasksOfManyThreadsOnce) {
  std::atomic<int> run = 0;
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i)
        loop_->post([&] {
          if (++run == kThreads * kTasks) loop_->stop();
        });
    });
  loop_->run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(run, kThreads * kTasks);
}

TEST_P(LoopTest, ReportsHangUp) {
  Pipe pipe;
  Loop::WatchId id = 0;
  bool called = false;
  id = loop_->watch(pipe.read_end.get(), [&] {
    char byte;
    const ssize_t got = ::read(pipe.read_end.get(), &byte, 1);
    if (got < 0) return false;
    EXPECT_EQ(got, 0);
    called = true;
    loop_->unwatch(id);
    loop_->stop();
    return false;
  });
  pipe.write_end.reset();
  loop_->run();
  EXPECT_TRUE(called);
}

TEST_P(LoopTest, CallsNothingThatWasUnwatchedInTheSameRound) {
  Pipe first;
  Pipe second;
  first.put();
  second.put();
  Loop::WatchId ids[2];
  int called = 0;
  auto callback = [&](Pipe& pipe, Loop::WatchId& other) {
    return [&] {
      if (!pipe.take()) return false;
      ++called;
      loop_->unwatch(other);
      loop_->post([&] { loop_->stop(); });
      return true;
    };
  };
  ids[0] = loop_->watch(first.read_end.get(), callback(first, ids[1]));
  ids[1] = loop_->watch(second.read_end.get(), callback(second, ids[0]));
  loop_->run();
  EXPECT_EQ(called, 1);
}

TEST_P(LoopTest, HoldsNoReferenceToTheFileAfterUnwatch) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  base::UniqueFd ours(fds[0]);
  base::UniqueFd watched(fds[1]);
  // The other end hangs up only when the open file is gone, not when the descriptor is closed.
  Loop::WatchId id = loop_->watch(watched.get(), [&] {
    char byte;
    return ::recv(watched.get(), &byte, 1, 0) == 1;
  });
  bool hung_up = false;
  loop_->post([&] {
    // Arrivals that are just being reported must not get in the way.
    EXPECT_EQ(::send(ours.get(), "x", 1, 0), 1);
    loop_->unwatch(id);
    watched.reset();
    pollfd state{.fd = ours.get(), .events = POLLIN, .revents = 0};
    ::poll(&state, 1, 0);
    hung_up = (state.revents & POLLHUP) != 0;
    loop_->stop();
  });
  loop_->run();
  EXPECT_TRUE(hung_up);
}

TEST_P(LoopTest, UnwatchesAfterTheRunAndBeforeIt) {
  Pipe pipe;
  int called = 0;
  auto count = [&] {
    ++called;
    return false;
  };
  loop_->unwatch(loop_->watch(pipe.read_end.get(), count));
  pipe.put();
  loop_->post([&] { loop_->stop(); });
  loop_->run();
  EXPECT_EQ(called, 0);
  loop_->unwatch(loop_->watch(pipe.read_end.get(), count));
  loop_->unwatch(12345);
  loop_->post([&] { loop_->stop(); });
  loop_->run();
  EXPECT_EQ(called, 0);
}

TEST_P(LoopTest, ABusyDescriptorDoesNotStarveTasks) {
  Pipe pipe;
  pipe.put();
  // Never dry.
  loop_->watch(pipe.read_end.get(), [] { return true; });
  std::thread poster([&] { loop_->post([&] { loop_->stop(); }); });
  loop_->run();
  poster.join();
}

TEST_P(LoopTest, WatchesManyDescriptors) {
  std::vector<std::unique_ptr<Pipe>> pipes;
  size_t taken = 0;
  loop_->post([&] {
    for (int i = 0; i < 200; ++i) {
      pipes.push_back(std::make_unique<Pipe>());
      Pipe& pipe = *pipes.back();
      loop_->watch(pipe.read_end.get(), [&] {
        if (!pipe.take()) return false;
        if (++taken == 200) loop_->stop();
        return true;
      });
    }
    for (auto& pipe : pipes) pipe->put();
  });
  loop_->run();
  EXPECT_EQ(taken, 200u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoopTest, testing::Values(LoopKind::kUring, LoopKind::kEpoll),
                         [](const auto& kind) {
                           return kind.param == LoopKind::kUring ? "Uring" : "Epoll";
                         });

TEST(LoopKinds, AreNamed) {
  EXPECT_EQ(parse_loop_kind("uring"), LoopKind::kUring);
  EXPECT_EQ(parse_loop_kind("epoll"), LoopKind::kEpoll);
  EXPECT_EQ(parse_loop_kind("auto"), LoopKind::kAuto);
  EXPECT_EQ(parse_loop_kind("select"), std::nullopt);
}

TEST(LoopKinds, AutoAlwaysGivesOne) {
  auto loop = make_loop(LoopKind::kAuto);
  ASSERT_TRUE(loop);
  EXPECT_TRUE((*loop)->name() == "uring" || (*loop)->name() == "epoll");
}

}  // namespace
}  // namespace fakegpu::cuse_dev
