// SPDX-License-Identifier: MIT
// A descriptor behind which another thread puts something else while a call takes it: the call sees
// one or the other.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "client.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

constexpr int kTurns = 150;

// Puts one file and the other behind a number, over and over.
class Swapper {
 public:
  Swapper(int one, int other)
      : number_(::fcntl(one, F_DUPFD_CLOEXEC, 0)), thread_([this, one, other] {
          while (!stop_) {
            ::dup2(other, number_);
            ::dup2(one, number_);
          }
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  int number() const { return number_; }

 private:
  const Fd number_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class SwappedFd : public testing::Test {
 protected:
  // What FD_TO_HANDLE found: a signalled syncobj, another one, or an errno.
  enum Found : int { kSignalled, kOther };
  int find(int fd) const {
    uint32_t handle = kNoHandle;
    const int result = client_.fd_to_handle(fd, handle);
    if (result != 0) {
      EXPECT_EQ(handle, kNoHandle);
      return result;
    }
    const int wait = client_.wait({&handle, 1}, 0, 0);
    EXPECT_TRUE(wait == 0 || wait == -EINVAL) << wait;
    drm_syncobj_destroy destroy = {handle, 0};
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), 0);
    return wait == 0 ? kSignalled : kOther;
  }
  void expect_signalled_or_einval(int other) const {
    const Swapper swapper(signalled_, other);
    for (int i = 0; i < kTurns; ++i) {
      const int found = find(swapper.number());
      ASSERT_TRUE(found == kSignalled || found == -EINVAL) << found;
    }
  }

  const Client client_;
  const Fd signalled_{client_.handle_to_fd(client_.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED))};
};

TEST_F(SwappedFd, OneOfTwoSyncobjsIsFound) {
  const Fd empty(client_.handle_to_fd(client_.make_syncobj()));
  const Swapper swapper(signalled_, empty);
  for (int i = 0; i < kTurns; ++i) {
    const int found = find(swapper.number());
    ASSERT_TRUE(found == kSignalled || found == kOther) << found;
  }
}

TEST_F(SwappedFd, ASyncobjOrNoneIsFound) {
  const Fd eventfd(::eventfd(0, EFD_CLOEXEC));
  expect_signalled_or_einval(eventfd);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  expect_signalled_or_einval(read_end);
}

// Of a kind that nobody duplicates who need not.
TEST_F(SwappedFd, ASyncobjOrAFileIsFoundAndTheDeviceStays) {
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  expect_signalled_or_einval(file);
  EXPECT_EQ(find(signalled_), kSignalled);
}

TEST_F(SwappedFd, AnEventfdOrNoneIsCountedUp) {
  const Fd counter(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ioctl::SyncobjEventfd arg = {};
  arg.handle = client_.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  eventfd_t wanted = 0;
  {
    const Swapper swapper(counter, signalled_);
    for (int i = 0; i < kTurns; ++i) {
      arg.fd = swapper.number();
      const int result = client_.call(ioctl::kSyncobjEventfdCommand, arg);
      ASSERT_TRUE(result == 0 || result == -EINVAL) << result;
      wanted += result == 0;
    }
  }
  // Counted up after the call has been answered.
  eventfd_t got = 0;
  while (got < wanted && poll_events(counter, 20'000) != 0) {
    eventfd_t some = 0;
    if (::eventfd_read(counter, &some) == 0) got += some;
  }
  EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace fakegpu::conformance
