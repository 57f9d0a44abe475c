// SPDX-License-Identifier: MIT
// Calls whose arrays come in a memfd.
#include <fcntl.h>

#include "ioctl/drm_core.h"
#include "ioctl/table.h"
#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

class SocketLarge : public SocketTest {
 protected:
  template <typename T>
  static base::UniqueFd memfd_of(const std::vector<T>& values, size_t bytes) {
    auto fd = base::create_sealed_memfd("arrays", bytes);
    EXPECT_TRUE(fd);
    EXPECT_EQ(::pwrite(fd->get(), values.data(), bytes, 0), static_cast<ssize_t>(bytes));
    return std::move(*fd);
  }
  template <typename T>
  static base::UniqueFd memfd_of(const std::vector<T>& values) {
    return memfd_of(values, values.size() * sizeof(T));
  }

  // The call with the descriptor in place of its arrays; -1: with none.
  template <typename T>
  static uint32_t start(Peer& peer, unsigned long command, const T& arg, int fd) {
    const Peer::Call flat = peer.flatten(command, &arg);
    const size_t bytes =
        sizeof(wire::IoctlRequest) + flat.segments.size() * sizeof(wire::Span) + sizeof(arg);
    std::vector<std::byte> message(flat.message.begin(),
                                   flat.message.begin() + static_cast<ptrdiff_t>(bytes));
    const wire::Header head = peer.header(wire::Type::kLargeIoctl, bytes);
    std::memcpy(message.data(), &head, sizeof(head));
    iovec data = {message.data(), message.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (fd >= 0) {
      header.msg_control = control;
      header.msg_controllen = sizeof(control);
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    }
    EXPECT_GT(::sendmsg(peer.fd(), &header, MSG_NOSIGNAL), 0);
    return head.id;
  }
  template <typename T>
  static int call(Peer& peer, unsigned long command, const T& arg, int fd) {
    const uint32_t id = start(peer, command, arg, fd);
    return peer.answer(id, wire::Type::kIoctlReply).result();
  }
  static drm_syncobj_array array_of(const std::vector<uint32_t>& handles) {
    return {reinterpret_cast<uintptr_t>(handles.data()), static_cast<uint32_t>(handles.size()), 0};
  }
  static int wait_now(Peer& peer, uint32_t handle) {
    drm_syncobj_wait wait = {};
    wait.handles = reinterpret_cast<uintptr_t>(&handle);
    wait.count_handles = 1;
    return peer.call(DRM_IOCTL_SYNCOBJ_WAIT, wait);
  }
};

TEST_P(SocketLarge, TheDriverFindsEveryArrayInItsPlace) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t first = peer.syncobj();
  const uint32_t second = peer.syncobj();
  const std::vector<uint32_t> handles = {first, second};
  const std::vector<uint64_t> points = {5, 7};
  // Handles, and then points: two of them are as long as one point.
  const auto fd = memfd_of(std::vector<uint64_t>{first | uint64_t{second} << 32, 5, 7});
  drm_syncobj_timeline_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(handles.data());
  arg.points = reinterpret_cast<uintptr_t>(points.data());
  arg.count_handles = 2;
  ASSERT_EQ(call(peer, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, arg, fd.get()), 0);
  std::vector<uint64_t> found(2);
  arg.points = reinterpret_cast<uintptr_t>(found.data());
  ASSERT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_QUERY, arg), 0);
  EXPECT_EQ(found, points);
}

TEST_P(SocketLarge, APendingWaitKeepsNothingOfIt) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t syncobj = peer.syncobj();
  const std::vector<uint32_t> handles(65536, syncobj);
  drm_syncobj_wait wait = {};
  wait.handles = reinterpret_cast<uintptr_t>(handles.data());
  wait.count_handles = 65536;
  wait.timeout_nsec = INT64_MAX;
  wait.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
  const size_t before = open_descriptors();
  base::UniqueFd fd = memfd_of(handles);
  const uint32_t id = start(peer, DRM_IOCTL_SYNCOBJ_WAIT, wait, fd.get());
  fd.reset();
  ASSERT_TRUE(becomes([&] { return daemon.machine().census().waits == 1; }));
  EXPECT_TRUE(becomes([&] { return open_descriptors() == before; }));
  Peer other(daemon);
  peer.interrupt(id);
  EXPECT_EQ(peer.answer(id, wire::Type::kIoctlReply).result(), -EINTR);
}

TEST_P(SocketLarge, WhatIsShorterThanItsArraysIsAFault) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t syncobj = peer.syncobj();
  const std::vector<uint32_t> handles(ioctl::kMaxSyncobjArray, syncobj);
  const auto part = memfd_of(handles, handles.size() * sizeof(uint32_t) - 1);
  EXPECT_EQ(call(peer, DRM_IOCTL_SYNCOBJ_SIGNAL, array_of(handles), part.get()), -EFAULT);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const base::UniqueFd reader(ends[0]);
  const base::UniqueFd writer(ends[1]);
  EXPECT_EQ(call(peer, DRM_IOCTL_SYNCOBJ_SIGNAL, array_of(handles), reader.get()), -EFAULT)
      << "and nobody waits for what will never come";
  EXPECT_EQ(wait_now(peer, syncobj), -EINVAL) << "still without a fence";
}

TEST_P(SocketLarge, ArraysThatAMessageCannotBringBackFindNoMemory) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  // As many as its request just has room for.
  const uint32_t count = ioctl::kMaxCallBytes / sizeof(uint64_t) + 1;
  const std::vector<uint32_t> handles(count, peer.syncobj());
  std::vector<uint64_t> points(count, 7);
  drm_syncobj_timeline_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(handles.data());
  arg.points = reinterpret_cast<uintptr_t>(points.data());
  arg.count_handles = count;
  EXPECT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_QUERY, arg), -ENOMEM);
  EXPECT_NE(peer.syncobj(), 0u) << "the connection goes on";
}

TEST_P(SocketLarge, ViolationsCostTheConnectionAndLeaveNothing) {
  Daemon daemon(GetParam());
  const std::vector<uint32_t> handles = {1};
  const auto fd = memfd_of(handles);
  const size_t before = open_descriptors();
  {
    Peer without(daemon);
    start(without, DRM_IOCTL_SYNCOBJ_SIGNAL, array_of(handles), -1);
    EXPECT_TRUE(without.is_cut_off()) << "without a descriptor";

    Peer out(daemon);
    uint64_t point = 0;
    drm_syncobj_timeline_array query = {};
    query.handles = reinterpret_cast<uintptr_t>(handles.data());
    query.points = reinterpret_cast<uintptr_t>(&point);
    query.count_handles = 1;
    start(out, DRM_IOCTL_SYNCOBJ_QUERY, query, fd.get());
    EXPECT_TRUE(out.is_cut_off()) << "for an array that goes out";

    Peer gives(daemon);
    const ioctl::SyncobjHandle handle = {gives.syncobj(), 0, -1, 0, 0};
    start(gives, DRM_IOWR(0xc1, ioctl::SyncobjHandle), handle, fd.get());
    EXPECT_TRUE(gives.is_cut_off()) << "of a call that gives a descriptor";
  }
  EXPECT_TRUE(becomes([&] { return open_descriptors() == before; }));
  EXPECT_TRUE(daemon.becomes_idle());
}

FAKEGPU_BOTH_LOOPS(SocketLarge);

}  // namespace
}  // namespace fakegpu::cuse_dev
