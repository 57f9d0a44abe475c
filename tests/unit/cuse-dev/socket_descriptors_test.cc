// SPDX-License-Identifier: MIT
// Descriptors with messages: where they belong, how many, and that none stays behind.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ioctl/drm_core.h"
#include "ioctl/sync_file.h"
#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

using wire::Taken;
using wire::Type;

constexpr uint32_t kHandleToFd = _IOWR('d', 0xc1, ioctl::SyncobjHandle);
constexpr uint32_t kFdToHandle = _IOWR('d', 0xc2, ioctl::SyncobjHandle);

// The ends of a pipe; the write end tells when every copy of the read end is gone.
struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  bool becomes_unread() {
    reader.reset();
    pollfd gone = {writer.get(), 0, 0};
    return ::poll(&gone, 1, kPatienceMillis) == 1 && gone.revents & POLLERR;
  }
  base::UniqueFd reader;
  base::UniqueFd writer;
};

class SocketDescriptorsTest : public SocketTest {
 protected:
  // A call of one struct, with descriptors.
  template <typename T>
  static uint32_t send(Peer& peer, Type type, uint32_t command, const T& arg, Taken taken,
                       const std::vector<int>& fds, int32_t reserved = 0) {
    wire::IoctlRequest request = {};
    request.header = peer.header(type, sizeof(request) + sizeof(arg));
    request.command = command;
    request.arg = reinterpret_cast<uintptr_t>(&arg);
    request.taken = taken;
    request.reserved = reserved;
    std::vector<std::byte> message(sizeof(request) + sizeof(arg));
    std::memcpy(message.data(), &request, sizeof(request));
    std::memcpy(message.data() + sizeof(request), &arg, sizeof(arg));
    iovec data = {message.data(), message.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    const size_t fd_bytes = fds.size() * sizeof(int);
    if (!fds.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(fd_bytes);
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fd_bytes);
      std::memcpy(CMSG_DATA(rights), fds.data(), fd_bytes);
    }
    EXPECT_GT(::sendmsg(peer.fd(), &header, MSG_NOSIGNAL), 0);
    return request.header.id;
  }
  static base::UniqueFd export_syncobj(Peer& peer, uint32_t handle) {
    const ioctl::SyncobjHandle arg = {handle, 0, -1, 0, 0};
    const uint32_t id = send(peer, Type::kIoctl, kHandleToFd, arg, Taken::kNone, {});
    Peer::Reply reply = peer.answer(id, Type::kIoctlReply);
    EXPECT_EQ(reply.result(), 0);
    return std::move(reply.fd);
  }
  static int import_syncobj(Peer& peer, Taken taken, const std::vector<int>& fds) {
    const ioctl::SyncobjHandle arg = {0, 0, -1, 0, 0};
    const uint32_t id = send(peer, Type::kIoctl, kFdToHandle, arg, taken, fds);
    return peer.answer(id, Type::kIoctlReply).result();
  }
};

TEST_P(SocketDescriptorsTest, WhatIsGivenCanBeTakenByAnother) {
  Daemon daemon(GetParam());
  Peer one(daemon);
  Peer two(daemon);
  const base::UniqueFd fd = export_syncobj(one, one.syncobj());
  ASSERT_TRUE(fd);
  EXPECT_EQ(import_syncobj(two, Taken::kPassed, {fd.get()}), 0);
}

TEST_P(SocketDescriptorsTest, AFileGoesWithItsLastDescriptor) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  base::UniqueFd fd = export_syncobj(peer, peer.syncobj());
  EXPECT_EQ(daemon.machine().census().objects, 1u);
  fd.reset();
  EXPECT_TRUE(becomes([&] { return daemon.machine().census().objects == 0; }));
}

TEST_P(SocketDescriptorsTest, ForgedAndMissingOnesAreRefused) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  Pipe own;
  EXPECT_EQ(import_syncobj(peer, Taken::kPassed, {own.reader.get()}), -EINVAL);
  EXPECT_EQ(import_syncobj(peer, Taken::kClosed, {}), -EINVAL);
  EXPECT_EQ(import_syncobj(peer, Taken::kForeign, {}), -EINVAL);
  EXPECT_TRUE(own.becomes_unread());
  ioctl::SwSyncInc inc = {1};
  Pipe other;
  const uint32_t id =
      send(peer, Type::kFdIoctl, ioctl::kSwSyncIocInc, inc, Taken::kNone, {other.reader.get()});
  EXPECT_EQ(peer.answer(id, Type::kIoctlReply).result(), -ENOTTY);
  EXPECT_TRUE(other.becomes_unread());
}

TEST_P(SocketDescriptorsTest, TheClientsFullTableIsFoundWhereTheKernelWould) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  ioctl::SyncobjHandle arg = {99, 0, -1, 0, 0};
  uint32_t id = send(peer, Type::kIoctl, kHandleToFd, arg, Taken::kNone, {}, -EMFILE);
  EXPECT_EQ(peer.answer(id, Type::kIoctlReply).result(), -EINVAL) << "the handle comes first";
  arg.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
  id = send(peer, Type::kIoctl, kHandleToFd, arg, Taken::kNone, {}, -EMFILE);
  EXPECT_EQ(peer.answer(id, Type::kIoctlReply).result(), -EMFILE) << "here it comes last";
}

TEST_P(SocketDescriptorsTest, ViolationsCostTheConnectionAndLeaveNothing) {
  Daemon daemon(GetParam());
  const ioctl::SyncobjHandle arg = {};
  const drm_fakegpu_vm_create plain = {};
  struct Violation {
    const char* what;
    std::function<void(Peer&, int)> send;
  };
  const Violation violations[] = {
      {"one where the call takes none",
       [&](Peer& peer, int fd) {
         send(peer, Type::kIoctl, DRM_IOCTL_FAKEGPU_VM_CREATE, plain, Taken::kPassed, {fd});
       }},
      {"one that is not announced",
       [&](Peer& peer, int fd) {
         send(peer, Type::kIoctl, DRM_IOCTL_FAKEGPU_VM_CREATE, plain, Taken::kNone, {fd});
       }},
      {"two for one",
       [&](Peer& peer, int fd) {
         send(peer, Type::kIoctl, kFdToHandle, arg, Taken::kPassed, {fd, fd});
       }},
      {"more than any message may have",
       [&](Peer& peer, int fd) {
         send(peer, Type::kIoctl, kFdToHandle, arg, Taken::kPassed, {fd, fd, fd, fd});
       }},
      {"announced, not sent",
       [&](Peer& peer, int) { send(peer, Type::kIoctl, kFdToHandle, arg, Taken::kPassed, {}); }},
      {"nothing said of what the call takes",
       [&](Peer& peer, int) { send(peer, Type::kIoctl, kFdToHandle, arg, Taken::kNone, {}); }},
      {"a word that is none",
       [&](Peer& peer, int) { send(peer, Type::kIoctl, kFdToHandle, arg, Taken{77}, {}); }},
      {"a call on nothing",
       [&](Peer& peer, int) {
         send(peer, Type::kFdIoctl, ioctl::kSwSyncIocInc, ioctl::SwSyncInc{1}, Taken::kNone, {});
       }},
      {"an error that reserving does not have",
       [&](Peer& peer, int) {
         send(peer, Type::kIoctl, kHandleToFd, arg, Taken::kNone, {}, -EPERM);
       }},
      {"a reservation for nothing",
       [&](Peer& peer, int) {
         send(peer, Type::kIoctl, DRM_IOCTL_FAKEGPU_VM_CREATE, plain, Taken::kNone, {}, -EMFILE);
       }},
  };
  for (const Violation& violation : violations) {
    SCOPED_TRACE(violation.what);
    Peer peer(daemon);
    Pipe pipe;
    violation.send(peer, pipe.reader.get());
    EXPECT_TRUE(peer.is_cut_off());
    EXPECT_TRUE(pipe.becomes_unread());
  }
  EXPECT_TRUE(daemon.becomes_idle());
}

TEST_P(SocketDescriptorsTest, AKindThatCouldBlockIsClosedAndCostsTheConnection) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const base::UniqueFd directory(::open("/", O_RDONLY | O_CLOEXEC));
  const ioctl::SyncobjHandle arg = {};
  send(peer, Type::kIoctl, kFdToHandle, arg, Taken::kPassed, {directory.get()});
  EXPECT_TRUE(peer.is_cut_off());
  Peer other(daemon);
  EXPECT_NE(other.syncobj(), 0u);
}

TEST_P(SocketDescriptorsTest, FencesHangUpOrFireWhenTheDaemonEnds) {
  base::UniqueFd timeline;
  base::UniqueFd fence;
  {
    Daemon daemon(GetParam());
    Peer peer(daemon);
    const wire::OpenSwSync open = {peer.header(Type::kOpenSwSync, sizeof(open)), "test"};
    ASSERT_EQ(peer.send(open), 0);
    Peer::Reply opened = peer.answer(open.header.id, Type::kFdReply);
    timeline = std::move(opened.fd);
    ASSERT_TRUE(timeline);
    const ioctl::SwSyncCreateFence create = {.value = 1};
    const uint32_t id = send(peer, Type::kFdIoctl, ioctl::kSwSyncIocCreateFence, create,
                             Taken::kNone, {timeline.get()});
    Peer::Reply created = peer.answer(id, Type::kIoctlReply);
    ASSERT_EQ(created.result(), 0);
    fence = std::move(created.fd);
    pollfd quiet = {fence.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&quiet, 1, 0), 0);
  }
  for (const base::UniqueFd* fd : {&timeline, &fence}) {
    pollfd gone = {fd->get(), POLLIN, 0};
    EXPECT_EQ(::poll(&gone, 1, kPatienceMillis), 1);
    EXPECT_TRUE(gone.revents & POLLHUP);
  }
}

FAKEGPU_BOTH_LOOPS(SocketDescriptorsTest);

}  // namespace
}  // namespace fakegpu::cuse_dev
