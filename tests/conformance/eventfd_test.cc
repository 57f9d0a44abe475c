// SPDX-License-Identifier: MIT
// SYNCOBJ_EVENTFD: igt's syncobj_eventfd by meaning.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kAvailable = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;

struct Eventfd : testing::TestWithParam<uint64_t> {
  int watch(uint32_t handle, uint64_t point, int fd, uint32_t flags = 0, uint32_t pad = 0) const {
    ioctl::SyncobjEventfd arg = {handle, flags, point, fd, pad};
    return client.call(ioctl::kSyncobjEventfdCommand, arg);
  }
  int signal(uint64_t point) const {
    return point == 0 ? client.signal({&handle, 1})
                      : client.timeline_signal({&handle, 1}, {&point, 1});
  }
  uint64_t count() const {
    uint64_t value = 0;
    return ::read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
  }

  const Client client;
  const uint32_t handle = client.make_syncobj();
  const Fd fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_P(Eventfd, CountsWhenTheFenceSignals) {
  const Gate gate(client);
  ASSERT_EQ(gate.submit({{.handle = handle, .point = GetParam()}}), 0);
  ASSERT_EQ(watch(handle, GetParam(), fd), 0);
  EXPECT_EQ(poll_events(fd), 0);
  gate.open();
  EXPECT_EQ(poll_events(fd, -1), POLLIN);
  EXPECT_EQ(count(), 1u);
}

TEST_P(Eventfd, CountsWhenTheFenceComesLater) {
  ASSERT_EQ(watch(handle, GetParam(), fd), 0);
  EXPECT_EQ(poll_events(fd), 0);
  ASSERT_EQ(signal(GetParam()), 0);
  EXPECT_EQ(count(), 1u);
}

TEST_P(Eventfd, CountsAtOnceIfItHasSignalled) {
  ASSERT_EQ(signal(GetParam()), 0);
  ASSERT_EQ(watch(handle, GetParam(), fd), 0);
  EXPECT_EQ(count(), 1u);
}

TEST_P(Eventfd, AvailableIsEnoughIfAsked) {
  const Gate gate(client);
  ASSERT_EQ(watch(handle, GetParam(), fd, kAvailable), 0);
  EXPECT_EQ(count(), 0u);
  ASSERT_EQ(gate.submit({{.handle = handle, .point = GetParam()}}), 0);
  EXPECT_EQ(count(), 1u);
}

TEST_P(Eventfd, RefusesInTheKernelsOrder) {
  const Fd directory(::open("/", O_RDONLY | O_CLOEXEC));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read_end(ends[0]);
  const Fd write_end(ends[1]);
  const Fd syncobj(client.handle_to_fd(handle));
  EXPECT_EQ(watch(handle, GetParam(), fd, 1), -EINVAL) << "flags";
  EXPECT_EQ(watch(handle, GetParam(), fd, 0, 1), -EINVAL) << "padding";
  for (const uint32_t bad : {0u, kNoHandle})
    EXPECT_EQ(watch(bad, GetParam(), -1), -ENOENT) << "the handle before the descriptor";
  EXPECT_EQ(watch(handle, GetParam(), -1), -EBADF);
  for (const int none : {int{directory}, int{write_end}, int{syncobj}})
    EXPECT_EQ(watch(handle, GetParam(), none), -EINVAL) << none;
}

INSTANTIATE_TEST_SUITE_P(BinaryAndTimeline, Eventfd, testing::Values(0, 6));

}  // namespace
}  // namespace fakegpu::conformance
