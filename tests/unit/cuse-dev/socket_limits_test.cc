// SPDX-License-Identifier: MIT
// Many connections, and peers that do not read.
#include <sys/resource.h>
#include <sys/syscall.h>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

class SocketLimits : public SocketTest {};
FAKEGPU_BOTH_LOOPS(SocketLimits);

TEST_P(SocketLimits, TwoHundredConnectionsLeaveNothingBehind) {
  const size_t before = open_descriptors();
  {
    Daemon daemon(GetParam());
    // Descriptors of the idle daemon.
    { Peer peer(daemon); }
    ASSERT_TRUE(daemon.becomes_idle());
    const size_t idle = open_descriptors();
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 200; ++i) peers.push_back(std::make_unique<Peer>(daemon));
    for (auto& peer : peers) {
      const uint32_t handle = peer->syncobj();
      peer->start_wait(handle);
      EXPECT_TRUE(peer->get(wire::Type::kGetArena).fd);
      EXPECT_TRUE(peer->get(wire::Type::kGetBo, peer->bo(4096, DRM_FAKEGPU_BO_SHAREABLE)).fd);
    }
    EXPECT_EQ(daemon.machine().census().files, 200u);
    EXPECT_EQ(daemon.machine().census().waits, 200u);
    peers.clear();
    EXPECT_TRUE(daemon.becomes_idle());
    EXPECT_TRUE(becomes([&] { return open_descriptors() <= idle; })) << open_descriptors();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_P(SocketLimits, ConnectionsBeyondTheTotalAreClosed) {
  Daemon daemon(GetParam(), {.max_connections = 3});
  Peer a(daemon), b(daemon);
  auto c = std::make_unique<Peer>(daemon);
  Peer refused(daemon, false);
  EXPECT_TRUE(refused.is_cut_off());
  EXPECT_NE(a.syncobj(), 0u);
  c.reset();
  ASSERT_TRUE(becomes([&] { return daemon.machine().census().files == 2; }));
  Peer instead(daemon);
  EXPECT_NE(instead.syncobj(), 0u);
}

TEST_P(SocketLimits, ConnectionsBeyondAUsersAreClosedButNotOthers) {
  if (geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  Daemon daemon(GetParam(), {.max_connections = 10, .max_per_uid = 2});
  Peer a(daemon), b(daemon);
  Peer refused(daemon, false);
  EXPECT_TRUE(refused.is_cut_off());
  std::thread other([&] {
    ASSERT_EQ(syscall(SYS_setresuid, -1, 12345, -1), 0);
    Peer peer(daemon);
    EXPECT_NE(peer.syncobj(), 0u);
  });
  other.join();
}

TEST_P(SocketLimits, APeerThatNeverReadsIsCutOff) {
  Daemon daemon(GetParam());
  Peer witness(daemon);
  Peer deaf(daemon);
  int sent = 0;
  int error = 0;
  for (; sent < 100'000 && error == 0; ++sent) {
    char text[4096];
    drm_fakegpu_query arg = {};
    arg.data = reinterpret_cast<uintptr_t>(text);
    arg.size = sizeof(text);
    error = deaf.send_raw(deaf.flatten(DRM_IOCTL_FAKEGPU_QUERY, &arg).message);
  }
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  EXPECT_NE(witness.syncobj(), 0u);
  EXPECT_TRUE(becomes([&] { return daemon.machine().census().files == 1; }));
}

TEST_P(SocketLimits, ADescriptorHoarderIsCutOffWithoutALeak) {
  Daemon daemon(GetParam());
  Peer witness(daemon);
  auto hoarder = std::make_unique<Peer>(daemon);
  ASSERT_TRUE(hoarder->get(wire::Type::kGetArena).fd);
  const size_t before = open_descriptors();
  int error = 0;
  for (int i = 0; i < 100'000 && error == 0; ++i)
    error = hoarder->send(
        wire::GetFd{hoarder->header(wire::Type::kGetArena, sizeof(wire::GetFd)), 0, 0});
  EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  ASSERT_TRUE(becomes([&] { return daemon.machine().census().files == 1; }));
  EXPECT_LE(open_descriptors(), before);
  EXPECT_NE(witness.syncobj(), 0u);
}

TEST_P(SocketLimits, ASlowReaderGetsEverythingInOrder) {
  Daemon daemon(GetParam());
  Peer slow(daemon);
  std::vector<uint32_t> handles(8192, slow.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED));
  std::vector<uint64_t> points(8192);
  std::vector<uint32_t> ids;
  // 64 KiB each: far more than the socket holds, and less than the queue.
  for (int i = 0; i < 30; ++i) {
    drm_syncobj_timeline_array arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(handles.data());
    arg.points = reinterpret_cast<uintptr_t>(points.data());
    arg.count_handles = 8192;
    ids.push_back(slow.start(DRM_IOCTL_SYNCOBJ_QUERY, arg).id);
  }
  // Some other traffic shows that the loop does not wait for it.
  Peer witness(daemon);
  EXPECT_NE(witness.syncobj(), 0u);
  for (const uint32_t id : ids) {
    const Peer::Reply reply = slow.answer(id, wire::Type::kIoctlReply);
    EXPECT_EQ(reply.result(), 0);
    EXPECT_EQ(reply.body().size(), sizeof(drm_syncobj_timeline_array) + 8 * 8192);
  }
  EXPECT_NE(slow.syncobj(), 0u);
}

TEST_P(SocketLimits, WithoutDescriptorsConnectionsAreRefusedAndOthersServed) {
  Daemon daemon(GetParam());
  Peer witness(daemon);
  base::UniqueFd client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, daemon.path().c_str());
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  // No number below is free.
  std::vector<base::UniqueFd> filler;
  none.rlim_cur = open_descriptors() + 20;
  setrlimit(RLIMIT_NOFILE, &none);
  for (;;) {
    base::UniqueFd fd(dup(witness.fd()));
    if (!fd) break;
    filler.push_back(std::move(fd));
  }
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  pollfd hung_up = {client.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&hung_up, 1, kPatienceMillis), 1);
  EXPECT_NE(witness.syncobj(), 0u);
  setrlimit(RLIMIT_NOFILE, &before);
  filler.clear();
  Peer fine(daemon);
  EXPECT_NE(fine.syncobj(), 0u);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
