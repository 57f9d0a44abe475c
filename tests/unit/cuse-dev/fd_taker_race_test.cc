// SPDX-License-Identifier: MIT
// Descriptors that change while they are taken, and such as must not be touched.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "../../support/hanging_file.h"
#include "fd_taker.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr int kTurns = 500;

// Puts one file and the other behind a number, over and over.
class Swapper {
 public:
  Swapper(int one, int other)
      : number_(::fcntl(one, F_DUPFD_CLOEXEC, 0)), thread_([this, one, other] {
          while (!stop_) {
            ::dup2(other, number_.get());
            ::dup2(one, number_.get());
          }
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  int number() const { return number_.get(); }

 private:
  const base::UniqueFd number_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class FdTakerRaceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loop = make_loop(LoopKind::kEpoll);
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
    taker_ = std::make_unique<ProcessFdTaker>(*loop_);
    taker_->watch();
  }
  void TearDown() override { taker_->unwatch(); }

  FetchedFd take(int32_t fd) {
    FetchedFd result = {.error = 1};
    taker_->take(getpid(), fd, [&](FetchedFd fetched) {
      result = std::move(fetched);
      loop_->stop();
    });
    loop_->run();
    return result;
  }
  // Whether the process has no more than its socket and the standard ones. It answers before it
  // closes what it has sent.
  bool keeps_nothing() const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (descriptors() != 4 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::yield();
    return descriptors() == 4;
  }
  size_t descriptors() const {
    const std::string path = "/proc/" + std::to_string(taker_->pid()) + "/fd";
    DIR* const folder = ::opendir(path.c_str());
    if (folder == nullptr) return 0;
    size_t count = 0;
    while (const dirent* entry = ::readdir(folder))
      if (entry->d_name[0] != '.') ++count;
    ::closedir(folder);
    return count;
  }
  // The kernel's null device stands for a node that answers no IDENTIFY.
  base::UniqueFd node() {
    base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    struct stat status = {};
    EXPECT_EQ(::fstat(null.get(), &status), 0);
    taker_->add_node({.character = true, .device = status.st_rdev});
    return null;
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<ProcessFdTaker> taker_;
};

// What an eventfd counts tells it from another one.
eventfd_t count_of(int fd) {
  eventfd_t value = 0;
  return ::eventfd_read(fd, &value) == 0 && ::eventfd_write(fd, value) == 0 ? value : 0;
}

TEST_F(FdTakerRaceTest, OneOfTwoEventfdsIsTaken) {
  const base::UniqueFd one(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  const base::UniqueFd two(::eventfd(2, EFD_CLOEXEC | EFD_NONBLOCK));
  const Swapper swapper(one.get(), two.get());
  for (int i = 0; i < kTurns; ++i) {
    const FetchedFd fetched = take(swapper.number());
    EXPECT_EQ(fetched.error, 0);
    ASSERT_TRUE(fetched.eventfd);
    const eventfd_t count = count_of(fetched.eventfd.get());
    EXPECT_TRUE(count == 1 || count == 2) << count;
  }
  EXPECT_TRUE(keeps_nothing());
}

TEST_F(FdTakerRaceTest, AnEventfdOrAFileOfANodeIsTaken) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const base::UniqueFd null = node();
  const pid_t process = taker_->pid();
  {
    const Swapper swapper(counter.get(), null.get());
    for (int i = 0; i < kTurns; ++i) {
      const FetchedFd fetched = take(swapper.number());
      if (fetched.eventfd)
        EXPECT_EQ(fetched.error, 0);
      else
        EXPECT_EQ(fetched.error, -EBADF);
    }
  }
  EXPECT_EQ(taker_->pid(), process);
  EXPECT_TRUE(keeps_nothing());
}

// A duplicate of something else is kept, as to close it may block, until there are many.
TEST_F(FdTakerRaceTest, AProcessThatKeepsTooMuchIsReplacedWithoutLosingACall) {
  const base::UniqueFd counter(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  base::UniqueFd read_end(ends[0]);
  base::UniqueFd write_end(ends[1]);
  const pid_t first = taker_->pid();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  {
    const Swapper swapper(counter.get(), write_end.get());
    while (taker_->pid() == first && std::chrono::steady_clock::now() < give_up) {
      constexpr int kAtOnce = 100;
      int answered = 0;
      for (int i = 0; i < kAtOnce; ++i)
        taker_->take(getpid(), swapper.number(), [&](FetchedFd fetched) {
          EXPECT_EQ(fetched.error, 0);
          if (++answered == kAtOnce) loop_->stop();
        });
      loop_->run();
    }
  }
  EXPECT_NE(taker_->pid(), first);
  EXPECT_TRUE(take(counter.get()).eventfd);
  // Nobody has the pipe any more once the one that may keep it is gone, too.
  write_end.reset();
  taker_->unwatch();
  taker_ = std::make_unique<ProcessFdTaker>(*loop_);
  pollfd hang_up = {read_end.get(), 0, 0};
  EXPECT_EQ(::poll(&hang_up, 1, 20'000), 1);
  EXPECT_EQ(hang_up.revents, POLLHUP);
}

TEST_F(FdTakerRaceTest, AHangingFileIsNotAskedAnything) {
  if (const char* lacking = support::HangingFile::lacking())
    GTEST_SKIP() << "machine lacks " << lacking;
  const support::HangingFile file;
  const base::UniqueFd null = node();
  for (int i = 0; i < 3; ++i) {
    const FetchedFd fetched = take(file.fd());
    EXPECT_EQ(fetched.error, 0);
    EXPECT_EQ(fetched.file_id, 0u);
    EXPECT_FALSE(fetched.eventfd);
  }
  EXPECT_EQ(file.asked(), 0u);
  EXPECT_TRUE(keeps_nothing());
}

}  // namespace
}  // namespace fakegpu::cuse_dev
