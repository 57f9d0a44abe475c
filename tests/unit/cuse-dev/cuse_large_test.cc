// SPDX-License-Identifier: MIT
// Calls of an unrestricted device that move more than the kernel brings.
#include <unistd.h>

#include "cuse_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr uint32_t kCarried = (ioctl::kMaxCallBytes - sizeof(drm_syncobj_wait)) / sizeof(uint32_t);

// Memory of this process, which the daemon can look into, and which the kernel brings too.
class CuseLarge : public CuseTest {
 protected:
  FakeKernel::IoctlAnswer wait_for(uint32_t count) {
    wait_.handles = reinterpret_cast<uintptr_t>(handles_.data());
    wait_.count_handles = count;
    const auto at = reinterpret_cast<uintptr_t>(&wait_);
    memory_.put(at, wait_);
    std::array<uint32_t, kCarried> carried;
    std::copy_n(handles_.begin(), carried.size(), carried.begin());
    memory_.put(wait_.handles, carried);
    return kernel_.ioctl(file_, DRM_IOCTL_SYNCOBJ_WAIT, at, memory_);
  }
  void answer_with_the_last_handle() {
    behaviour_.ioctl = [this](const drv::Request& request, ioctl::UserMemory& memory, drv::Reply) {
      ++calls_;
      const auto wait = fetch<drm_syncobj_wait>(request, memory);
      std::vector<uint32_t> handles(wait.count_handles);
      if (!memory.fetch(wait.handles, std::as_writable_bytes(std::span(handles)))) return -EFAULT;
      return static_cast<int>(handles.back());
    };
  }

  std::vector<uint32_t> handles_ = [] {
    std::vector<uint32_t> handles(kCarried + 1, 1);
    handles[kCarried - 1] = 20;
    handles[kCarried] = 300;
    return handles;
  }();
  drm_syncobj_wait wait_ = {};
  int calls_ = 0;
};

TEST_P(CuseLarge, WhatTheKernelBringsIsAskedForWhoeverTheCallerIs) {
  answer_with_the_last_handle();
  connect();
  const auto answer = wait_for(kCarried);
  EXPECT_EQ(answer.result, 20);
  EXPECT_EQ(answer.trips, 3u);
}

TEST_P(CuseLarge, MoreIsReadWhereTheCallerHasIt) {
  answer_with_the_last_handle();
  connect();
  kernel_.tid = ::getpid();
  const auto answer = wait_for(kCarried + 1);
  EXPECT_EQ(answer.result, 300);
  EXPECT_EQ(answer.trips, 2u);
  EXPECT_EQ(calls_, 1);
}

TEST_P(CuseLarge, MoreFindsNoMemoryWhereTheCallerCannotBeSeen) {
  answer_with_the_last_handle();
  connect();
  // As that of a process of another pid namespace.
  kernel_.tid = 0;
  EXPECT_EQ(wait_for(kCarried + 1).result, -ENOMEM);
  EXPECT_EQ(calls_, 0);
}

INSTANTIATE_TEST_SUITE_P(Loops, CuseLarge, testing::Values(LoopKind::kUring, LoopKind::kEpoll),
                         [](const auto& kind) {
                           return kind.param == LoopKind::kUring ? "Uring" : "Epoll";
                         });

}  // namespace
}  // namespace fakegpu::cuse_dev
