// SPDX-License-Identifier: MIT
#include "fd_taker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace fakegpu::cuse_dev {
namespace {

class FdTakerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loop = make_loop(LoopKind::kEpoll);
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
    taker_ = std::make_unique<ProcessFdTaker>(*loop_);
    taker_->watch();
  }
  void TearDown() override { taker_->unwatch(); }

  FetchedFd take(int32_t tid, int32_t fd) {
    FetchedFd result = {.error = 1};
    taker_->take(tid, fd, [&](FetchedFd fetched) {
      result = std::move(fetched);
      loop_->stop();
    });
    loop_->run();
    return result;
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<ProcessFdTaker> taker_;
};

TEST_F(FdTakerTest, AnEventfdIsDuplicated) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const FetchedFd fetched = take(getpid(), counter.get());
  EXPECT_EQ(fetched.error, 0);
  ASSERT_TRUE(fetched.eventfd);
  EXPECT_EQ(::eventfd_write(fetched.eventfd.get(), 3), 0);
  eventfd_t value = 0;
  EXPECT_EQ(::eventfd_read(counter.get(), &value), 0);
  EXPECT_EQ(value, 3u);
  EXPECT_EQ(::fcntl(fetched.eventfd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(FdTakerTest, OfTheProcessThatHasTheThread) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC));
  FetchedFd fetched;
  std::thread([&] {
    fetched = take(static_cast<int32_t>(::syscall(SYS_gettid)), counter.get());
  }).join();
  EXPECT_EQ(fetched.error, 0);
  EXPECT_TRUE(fetched.eventfd);
}

TEST_F(FdTakerTest, OtherFilesAreNothing) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const base::UniqueFd reader(pipe[0]);
  const base::UniqueFd writer(pipe[1]);
  const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {reader.get(), null.get()}) {
    const FetchedFd fetched = take(getpid(), fd);
    EXPECT_EQ(fetched.error, 0);
    EXPECT_EQ(fetched.file_id, 0u);
    EXPECT_FALSE(fetched.eventfd);
  }
}

// The kernel's null device stands for a node that answers no IDENTIFY.
TEST_F(FdTakerTest, AFileOfANodeIsAskedWhichItIs) {
  const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  struct stat status;
  ASSERT_EQ(::fstat(null.get(), &status), 0);
  taker_->add_node({.character = true, .device = status.st_rdev});
  EXPECT_EQ(take(getpid(), null.get()).error, -EBADF);
}

TEST_F(FdTakerTest, WhatCannotBeHadSaysWhy) {
  EXPECT_EQ(take(getpid(), -1).error, -EBADF);
  EXPECT_EQ(take(getpid(), 1'000'000).error, -EBADF);
  // A caller that is not seen from here, and one that is gone.
  EXPECT_EQ(take(0, 0).error, -EPERM);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(take(child, 0).error, -EPERM);
}

TEST_F(FdTakerTest, ThousandsAtOnceAreAllAnswered) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC));
  constexpr int kCalls = 5000;
  int good = 0;
  int answered = 0;
  for (int i = 0; i < kCalls; ++i)
    taker_->take(getpid(), counter.get(), [&](FetchedFd fetched) {
      if (fetched.eventfd) ++good;
      if (++answered == kCalls) loop_->stop();
    });
  loop_->run();
  EXPECT_EQ(good, kCalls);
}

TEST_F(FdTakerTest, ALostProcessFailsWhatWaitsAndIsReplaced) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC));
  const pid_t first = taker_->pid();
  ASSERT_GT(first, 0);
  // It reads no more, so that the call is there when it dies.
  ASSERT_EQ(::kill(first, SIGSTOP), 0);
  FetchedFd lost = {.error = 1};
  taker_->take(getpid(), counter.get(), [&](FetchedFd fetched) {
    lost = std::move(fetched);
    loop_->stop();
  });
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  loop_->run();
  EXPECT_EQ(lost.error, -EIO);
  EXPECT_EQ(taker_->pid(), -1);
  EXPECT_TRUE(take(getpid(), counter.get()).eventfd);
  EXPECT_NE(taker_->pid(), first);
}

TEST_F(FdTakerTest, TheProcessEndsWithItsOwner) {
  const pid_t process = taker_->pid();
  const base::UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  ASSERT_TRUE(watched);
  taker_->unwatch();
  taker_ = std::make_unique<ProcessFdTaker>(*loop_);
  pollfd ended = {watched.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 20'000), 1);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
