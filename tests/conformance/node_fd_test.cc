// SPDX-License-Identifier: MIT
// Descriptors on the device nodes, as a program sees them that has no more than the headers: what
// a plain call answers, and how a claim becomes an open file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "client.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

struct ClaimedHandle {
  ioctl::SyncobjHandle handle;
  drm_fakegpu_fd_claim claim;
};

constexpr unsigned long kClaimedToFd =
    resized(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, sizeof(ClaimedHandle));

// The device by nothing but system calls.
class NodeFd : public testing::Test {
 protected:
  void SetUp() override {
    node_ = open_node();
    ASSERT_GE(node_, 0);
  }
  void TearDown() override {
    if (node_ >= 0) ::close(node_);
  }

  static int open_node() { return ::open(device_path().c_str(), O_RDWR | O_CLOEXEC); }
  template <typename T>
  static int call(int fd, unsigned long request, T& arg) {
    return ::ioctl(fd, request, &arg) < 0 ? -errno : 0;
  }

  uint32_t make_syncobj(uint32_t flags = 0) const {
    drm_syncobj_create arg = {.handle = 0, .flags = flags};
    EXPECT_EQ(call(node_, DRM_IOCTL_SYNCOBJ_CREATE, arg), 0);
    return arg.handle;
  }
  // A claim of the syncobj, or with the flag of its fence.
  ClaimedHandle claim(uint32_t handle, uint32_t flags = 0) const {
    ClaimedHandle arg = {};
    arg.handle.handle = handle;
    arg.handle.flags = flags;
    arg.handle.fd = 17;
    arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
    EXPECT_EQ(call(node_, kClaimedToFd, arg), 0);
    EXPECT_EQ(arg.handle.fd, -1);
    return arg;
  }
  static int attach(int fd, const drm_fakegpu_fd_claim& claim) {
    drm_fakegpu_attach arg = {.token = {claim.token[0], claim.token[1]}};
    return call(fd, DRM_IOCTL_FAKEGPU_ATTACH, arg);
  }
  // A descriptor of the syncobj.
  int give(uint32_t handle, uint32_t flags = 0) const {
    const ClaimedHandle claimed = claim(handle, flags);
    const int fd = open_node();
    EXPECT_EQ(attach(fd, claimed.claim), 0);
    return fd;
  }
  int take(int fd, uint32_t* handle, uint32_t flags = 0) const {
    ioctl::SyncobjHandle arg = {};
    arg.fd = fd;
    arg.flags = flags;
    arg.handle = flags ? *handle : 0;
    const int result = call(node_, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, arg);
    *handle = arg.handle;
    return result;
  }
  int signal(uint32_t handle) const {
    drm_syncobj_array arg = {.handles = address_of(&handle), .count_handles = 1};
    return call(node_, DRM_IOCTL_SYNCOBJ_SIGNAL, arg);
  }
  int wait_now(uint32_t handle) const {
    drm_syncobj_wait arg = {};
    arg.handles = address_of(&handle);
    arg.count_handles = 1;
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    return call(node_, DRM_IOCTL_SYNCOBJ_WAIT, arg);
  }
  static short poll_now(int fd) {
    pollfd wait = {fd, POLLIN, 0};
    EXPECT_GE(::poll(&wait, 1, 0), 0);
    return wait.revents;
  }

  Client client_;
  int node_ = -1;
};

TEST_F(NodeFd, APlainCallGivesNothingAndChangesNothing) {
  const uint32_t syncobj = make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  ioctl::SyncobjHandle arg = {};
  arg.handle = syncobj;
  arg.fd = 17;
  for (const uint32_t flags : {0u, uint32_t{DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE}}) {
    arg.flags = flags;
    EXPECT_EQ(call(node_, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, arg), -EOPNOTSUPP);
    EXPECT_EQ(arg.fd, 17);
  }
  // What the kernel checks before it makes a descriptor comes first.
  arg.flags = 0;
  arg.handle = kNoHandle;
  EXPECT_EQ(call(node_, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, arg), -EINVAL);
}

TEST_F(NodeFd, AClaimThatIsNotUnderstoodIsRefused) {
  ClaimedHandle arg = {};
  arg.handle.handle = make_syncobj();
  EXPECT_EQ(call(node_, kClaimedToFd, arg), -EINVAL);
  arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
  arg.claim.flags = 2;
  EXPECT_EQ(call(node_, kClaimedToFd, arg), -EINVAL);
  arg.claim.flags = DRM_FAKEGPU_FD_CLAIM_FULL;
  EXPECT_EQ(call(node_, kClaimedToFd, arg), -EMFILE);
  EXPECT_EQ(arg.claim.token[0] | arg.claim.token[1], 0u);
  // As in the kernel the handle is looked up first here, and the descriptor made first there.
  arg.handle.handle = kNoHandle;
  EXPECT_EQ(call(node_, kClaimedToFd, arg), -EINVAL);
  arg.handle.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
  EXPECT_EQ(call(node_, kClaimedToFd, arg), -EMFILE);
}

TEST_F(NodeFd, ATokenWorksOnceAndOnlyOnAFreshFile) {
  const ClaimedHandle claimed = claim(make_syncobj());
  EXPECT_EQ(attach(node_, claimed.claim), -EBUSY);
  const int first = open_node();
  drm_fakegpu_fd_claim wrong = claimed.claim;
  wrong.token[0] ^= 1;
  EXPECT_EQ(attach(first, wrong), -ENOENT);
  EXPECT_EQ(attach(first, claimed.claim), 0);
  EXPECT_EQ(attach(first, claimed.claim), -EBUSY);
  const int second = open_node();
  EXPECT_EQ(attach(second, claimed.claim), -ENOENT);
  ::close(first);
  ::close(second);
}

TEST_F(NodeFd, ATokenIsForItsUserAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  const ClaimedHandle claimed = claim(make_syncobj());
  const int fresh = open_node();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    ::_exit(attach(fresh, claimed.claim) == -ENOENT ? 0 : 2);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(attach(fresh, claimed.claim), 0);
  ::close(fresh);
}

TEST_F(NodeFd, TheFileIsTheSyncobj) {
  const uint32_t syncobj = make_syncobj();
  const int fd = give(syncobj);
  uint32_t other = 0;
  ASSERT_EQ(take(fd, &other), 0);
  EXPECT_NE(other, syncobj);
  EXPECT_EQ(wait_now(other), -ETIME);
  EXPECT_EQ(signal(syncobj), 0);
  EXPECT_EQ(wait_now(other), 0);
  // It has no calls of its own, and it is no device any more.
  drm_syncobj_create create = {};
  EXPECT_EQ(call(fd, DRM_IOCTL_SYNCOBJ_CREATE, create), -ENOTTY);
  ::close(fd);
}

TEST_F(NodeFd, SurvivesTheDevicesFileAndAForkAndATransfer) {
  const uint32_t syncobj = make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  int fd = give(syncobj);
  ::close(node_);
  node_ = open_node();
  const pid_t child = ::fork();
  if (child == 0) {
    uint32_t handle = 0;
    ::_exit(take(fd, &handle) == 0 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);

  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  char byte = 0;
  iovec range = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &range;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  ASSERT_EQ(::sendmsg(ends[0], &message, 0), 1);
  ::close(fd);
  ASSERT_EQ(::recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC), 1);
  std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
  uint32_t handle = 0;
  EXPECT_EQ(take(fd, &handle), 0);
  EXPECT_EQ(wait_now(handle), 0);
  for (const int open : {fd, ends[0], ends[1]}) ::close(open);
}

TEST_F(NodeFd, ASyncFileAnswersItsCallsAndPolls) {
  const uint32_t syncobj = make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const int fd = give(syncobj, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
  EXPECT_EQ(poll_now(fd), POLLIN);
  struct sync_fence_info fence = {};
  struct sync_file_info info = {};
  info.num_fences = 1;
  info.sync_fence_info = address_of(&fence);
  EXPECT_EQ(call(fd, SYNC_IOC_FILE_INFO, info), 0);
  EXPECT_EQ(info.status, 1);
  EXPECT_EQ(fence.status, 1);
  // The device's file has no such call.
  EXPECT_EQ(call(node_, SYNC_IOC_FILE_INFO, info), -ENOTTY);
  ::close(fd);
}

TEST_F(NodeFd, TwoSyncFilesMerge) {
  const uint32_t syncobj = make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const int one = give(syncobj, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
  const int two = give(syncobj, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
  struct {
    sync_merge_data merge;
    drm_fakegpu_fd_claim claim;
  } arg = {};
  std::strcpy(arg.merge.name, "both");
  arg.merge.fd2 = two;
  EXPECT_EQ(call(one, SYNC_IOC_MERGE, arg.merge), -EOPNOTSUPP);
  arg.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
  ASSERT_EQ(call(one, resized(SYNC_IOC_MERGE, sizeof(arg)), arg), 0);
  const int merged = open_node();
  ASSERT_EQ(attach(merged, arg.claim), 0);
  struct sync_file_info info = {};
  EXPECT_EQ(call(merged, SYNC_IOC_FILE_INFO, info), 0);
  EXPECT_STREQ(info.name, "both");
  for (const int fd : {one, two, merged}) ::close(fd);
}

TEST_F(NodeFd, APollWakesUpWhenTheFenceSignals) {
  const Gate gate(client_);
  const uint32_t done = client_.make_syncobj();
  ASSERT_EQ(gate.submit({{.handle = done}}), 0);
  ClaimedHandle claimed = {};
  claimed.handle.handle = done;
  claimed.handle.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
  claimed.claim.magic = DRM_FAKEGPU_FD_CLAIM_MAGIC;
  ASSERT_EQ(::ioctl(fakegpu_device_fd(client_.device()), kClaimedToFd, &claimed), 0);
  const int fd = open_node();
  ASSERT_EQ(attach(fd, claimed.claim), 0);
  EXPECT_EQ(poll_now(fd), 0);
  std::thread opener([&] { gate.open(); });
  pollfd wait = {fd, POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 20'000), 1);
  EXPECT_EQ(wait.revents, POLLIN);
  opener.join();
  ::close(fd);
}

TEST_F(NodeFd, AnEventfdIsTaken) {
  const int counter = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ioctl::SyncobjEventfd arg = {};
  arg.handle = make_syncobj();
  arg.fd = counter;
  ASSERT_EQ(call(node_, ioctl::kSyncobjEventfdCommand, arg), 0);
  eventfd_t value = 0;
  EXPECT_EQ(::eventfd_read(counter, &value), -1);
  EXPECT_EQ(signal(arg.handle), 0);
  pollfd wait = {counter, POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 20'000), 1);
  EXPECT_EQ(::eventfd_read(counter, &value), 0);
  EXPECT_EQ(value, 1u);
  ::close(counter);
}

TEST_F(NodeFd, WhatIsNoObjectOfOursIsRefused) {
  const uint32_t syncobj = make_syncobj();
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const int memory = ::memfd_create("anything", MFD_CLOEXEC);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int path = ::open(device_path().c_str(), O_PATH | O_CLOEXEC);
  uint32_t handle = 0;
  for (const int fd : {node_, pipe[0], memory, file}) EXPECT_EQ(take(fd, &handle), -EINVAL) << fd;
  // The kernel has one errno for these, too.
  for (const int fd : {-1, 1'000'000, path}) EXPECT_EQ(take(fd, &handle), -EINVAL) << fd;
  ioctl::SyncobjEventfd arg = {};
  arg.handle = syncobj;
  arg.fd = -1;
  EXPECT_EQ(call(node_, ioctl::kSyncobjEventfdCommand, arg), -EBADF);
  arg.fd = pipe[1];
  EXPECT_EQ(call(node_, ioctl::kSyncobjEventfdCommand, arg), -EINVAL);
  for (const int fd : {pipe[0], pipe[1], memory, file, path}) ::close(fd);
}

TEST_F(NodeFd, EachOpenFileHasAnIdOfItsOwn) {
  drm_fakegpu_identify first = {};
  drm_fakegpu_identify second = {};
  drm_fakegpu_identify again = {};
  const int other = open_node();
  EXPECT_EQ(call(node_, DRM_IOCTL_FAKEGPU_IDENTIFY, first), 0);
  EXPECT_EQ(call(other, DRM_IOCTL_FAKEGPU_IDENTIFY, second), 0);
  EXPECT_EQ(call(node_, DRM_IOCTL_FAKEGPU_IDENTIFY, again), 0);
  EXPECT_NE(first.file_id, 0u);
  EXPECT_NE(first.file_id, second.file_id);
  EXPECT_EQ(first.file_id, again.file_id);
  ::close(other);
}

TEST_F(NodeFd, ManyAtOnce) {
  const int fd = give(make_syncobj());
  std::vector<std::thread> threads;
  std::vector<int> results(64, -1);
  for (int& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 16; ++i) {
        uint32_t handle = 0;
        result = take(fd, &handle);
        drm_syncobj_destroy destroy = {.handle = handle};
        if (result == 0) result = call(node_, DRM_IOCTL_SYNCOBJ_DESTROY, destroy);
        if (result != 0) return;
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int result : results) EXPECT_EQ(result, 0);
  ::close(fd);
}

// The UMD's part: the same without a word about claims.
TEST_F(NodeFd, TheLibraryGivesADescriptorThatOutlivesTheDevice) {
  int fd = -1;
  {
    const Client owner;
    ioctl::SyncobjHandle arg = {};
    arg.handle = owner.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
    ASSERT_EQ(owner.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, arg), 0);
    fd = arg.fd;
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  uint32_t handle = 0;
  EXPECT_EQ(take(fd, &handle), 0);
  EXPECT_EQ(wait_now(handle), 0);
  // There is nothing to map, and nothing to open again.
  EXPECT_EQ(::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_EQ(errno, ENODEV);
  ::close(fd);
}

TEST_F(NodeFd, TheLibraryAnswersEmfileBeforeAnythingChanges) {
  const Client owner;
  ioctl::SyncobjHandle arg = {};
  arg.handle = owner.make_syncobj();
  arg.fd = 17;
  std::vector<int> all;
  for (int fd; (fd = ::dup(node_)) >= 0;) all.push_back(fd);
  EXPECT_EQ(errno, EMFILE);
  EXPECT_EQ(owner.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, arg), -EMFILE);
  EXPECT_EQ(arg.fd, 17);
  ::close(all.back());
  all.pop_back();
  EXPECT_EQ(owner.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, arg), 0);
  ::close(arg.fd);
  for (const int fd : all) ::close(fd);
}

}  // namespace
}  // namespace fakegpu::conformance
