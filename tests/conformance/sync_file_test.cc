// SPDX-License-Identifier: MIT
// sync_files that syncobjs give: the export and import parts of igt's syncobj_timeline, poll, and
// SYNC_IOC_*.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "client.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kExport = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
constexpr uint32_t kPoint = 2;  // ..._FLAGS_TIMELINE

struct SyncFile : testing::Test {
  int status(int fd) const {
    sync_file_info info = {};
    EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), 0);
    return info.status;
  }
  // Of a job that runs until the gate opens.
  Fd pending() const {
    const uint32_t handle = client.make_syncobj();
    EXPECT_EQ(gate.submit({{.handle = handle}}), 0);
    return Fd(client.handle_to_fd(handle, kExport));
  }

  const Client client;
  const Gate gate{client};
};

TEST_F(SyncFile, PollsReadableOnceTheJobHasFinished) {
  const Fd fd = pending();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(poll_events(fd), 0);
  EXPECT_EQ(status(fd), 0);
  gate.open();
  EXPECT_EQ(poll_events(fd, -1), POLLIN);
  EXPECT_EQ(poll_events(fd), POLLIN) << "and stays so";
  EXPECT_EQ(status(fd), 1);
}

TEST_F(SyncFile, IsASnapshot) {
  const uint32_t handle = client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const Fd fd(client.handle_to_fd(handle, kExport));
  EXPECT_EQ(client.reset({&handle, 1}), 0);
  EXPECT_EQ(poll_events(fd), POLLIN);
  const uint32_t into = client.make_syncobj();
  uint32_t given = into;
  EXPECT_EQ(client.fd_to_handle(fd, given, kImport), 0);
  EXPECT_EQ(given, into);
  EXPECT_EQ(client.wait({&into, 1}, 0, 0), 0);
}

TEST_F(SyncFile, TakesAndBecomesPointsOfTimelines) {
  const uint32_t timeline = client.make_syncobj();
  EXPECT_EQ(gate.submit({{.handle = timeline, .point = 5}}), 0);
  const Fd fd(client.handle_to_fd(timeline, kExport | kPoint, 5));
  ASSERT_GE(fd, 0);
  EXPECT_EQ(client.handle_to_fd(timeline, kExport | kPoint, 6), -EINVAL) << "no such point yet";
  const uint32_t other = client.make_syncobj();
  uint32_t given = other;
  ASSERT_EQ(client.fd_to_handle(fd, given, kImport | kPoint, 9), 0);
  uint64_t value = 0;
  EXPECT_EQ(client.query({&other, 1}, {&value, 1}), 0);
  EXPECT_EQ(value, 0u);
  gate.open();
  const uint64_t nine = 9;
  EXPECT_EQ(client.timeline_wait({&other, 1}, {&nine, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(client.query({&other, 1}, {&value, 1}), 0);
  EXPECT_EQ(value, 9u);
}

TEST_F(SyncFile, InfoTellsOfItsFences) {
  const Fd fd = pending();
  sync_file_info info = {};
  ASSERT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), 0);
  ASSERT_EQ(info.num_fences, 1u);
  EXPECT_NE(info.name[0], 0);
  struct sync_fence_info fence = {};
  info.sync_fence_info = address_of(&fence);
  ASSERT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), 0);
  EXPECT_EQ(fence.status, 0);
  EXPECT_NE(fence.driver_name[0], 0);
  gate.open();
  poll_events(fd, -1);
  ASSERT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), 0);
  EXPECT_EQ(fence.status, 1);
  EXPECT_GT(fence.timestamp_ns, 0u);
  for (const uint64_t address : kBadAddresses) {
    info.sync_fence_info = address;
    EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), -EFAULT);
  }
  info = {.flags = 1};
  EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), -EINVAL);
  info = {.pad = 1};
  EXPECT_EQ(client.fd_call(fd, SYNC_IOC_FILE_INFO, info), -EINVAL);
}

TEST_F(SyncFile, MergedItSignalsWithTheLast) {
  const Fd slow = pending();
  const Fd done(client.handle_to_fd(client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED), kExport));
  sync_merge_data merge = {};
  std::strcpy(merge.name, "both");
  merge.fd2 = done;
  ASSERT_EQ(client.fd_call(slow, SYNC_IOC_MERGE, merge), 0);
  const Fd both(merge.fence);
  EXPECT_EQ(poll_events(both), 0);
  sync_file_info info = {};
  EXPECT_EQ(client.fd_call(both, SYNC_IOC_FILE_INFO, info), 0);
  EXPECT_STREQ(info.name, "both");
  gate.open();
  EXPECT_EQ(poll_events(both, -1), POLLIN);
}

TEST_F(SyncFile, MergeRefusesWhatIsNoSyncFile) {
  const Fd fd = pending();
  const Fd syncobj(client.handle_to_fd(client.make_syncobj()));
  sync_merge_data merge = {};
  for (const int other : {-1, 1 << 20, int{syncobj}}) {
    merge.fd2 = other;
    EXPECT_EQ(client.fd_call(fd, SYNC_IOC_MERGE, merge), -ENOENT) << other;
  }
  merge.fd2 = fd;
  merge.flags = 1;
  EXPECT_EQ(client.fd_call(fd, SYNC_IOC_MERGE, merge), -EINVAL);
  EXPECT_EQ(client.fd_call(syncobj, SYNC_IOC_MERGE, merge), -ENOTTY);
  EXPECT_EQ(client.fd_call(-1, SYNC_IOC_MERGE, merge), -EBADF);
}

TEST_F(SyncFile, StaysWhenTheFileIsClosed) {
  Fd fd;
  {
    const Client other;
    const uint32_t handle = other.make_syncobj();
    const Gate its_gate(other, 1);
    EXPECT_EQ(its_gate.submit({{.handle = handle}}), 0);
    fd = Fd(other.handle_to_fd(handle, kExport));
  }
  EXPECT_EQ(poll_events(fd, -1), POLLIN);
  EXPECT_NE(status(fd), 0);
}

TEST_F(SyncFile, WakesAProcessThatInheritedIt) {
  const Fd fd = pending();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(poll_events(fd, -1) == POLLIN ? 0 : 1);
  gate.open();
  int result = -1;
  ASSERT_EQ(::waitpid(child, &result, 0), child);
  EXPECT_EQ(result, 0);
}

TEST_F(SyncFile, TakesADeadline) {
  const Fd fd = pending();
  ioctl::SyncSetDeadline deadline = {.deadline_ns = 1};
  EXPECT_EQ(client.fd_call(fd, ioctl::kSyncIocSetDeadline, deadline), 0);
  deadline.pad = 1;
  EXPECT_EQ(client.fd_call(fd, ioctl::kSyncIocSetDeadline, deadline), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
