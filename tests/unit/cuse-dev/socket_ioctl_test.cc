// SPDX-License-Identifier: MIT
// Ioctls and reads over the socket.
#include <signal.h>
#include <sys/wait.h>

#include <map>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

class SocketIoctl : public SocketTest {};
FAKEGPU_BOTH_LOOPS(SocketIoctl);

TEST_P(SocketIoctl, VersionFillsTheCallersStrings) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  char name[16] = {};
  char date[16] = {};
  drm_version arg = {};
  arg.name = name;
  arg.name_len = sizeof(name);
  arg.date = date;
  arg.date_len = sizeof(date);
  EXPECT_EQ(peer.call(DRM_IOCTL_VERSION, arg), 0);
  EXPECT_STREQ(name, "fakegpu");
  EXPECT_EQ(arg.name_len, 7u);
  EXPECT_EQ(arg.version_major, 1);
  EXPECT_EQ(arg.date_len, 8u);
  EXPECT_EQ(std::strlen(date), 8u);
  EXPECT_GT(arg.desc_len, 0u);
}

TEST_P(SocketIoctl, OutArraysThatAreSentKeepWhatTheDriverDoesNotStore) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  char name[16];
  std::memset(name, 'x', sizeof(name));
  drm_version arg = {};
  arg.name = name;
  arg.name_len = sizeof(name);
  EXPECT_EQ(peer.call(DRM_IOCTL_VERSION, arg, true), 0);
  EXPECT_EQ(std::string(name, sizeof(name)), "fakegpuxxxxxxxxx");
}

TEST_P(SocketIoctl, OutArraysThatAreNotSentShowNothingOfEarlierCalls) {
  Daemon daemon(GetParam());
  Peer first(daemon);
  std::vector<uint32_t> handles(500, first.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED));
  std::vector<uint64_t> points(500, ~0ull);
  drm_syncobj_timeline_array signal = {};
  signal.handles = reinterpret_cast<uintptr_t>(handles.data());
  signal.points = reinterpret_cast<uintptr_t>(points.data());
  signal.count_handles = 500;
  first.call(DRM_IOCTL_SYNCOBJ_QUERY, signal, true);

  Peer second(daemon);
  char name[4096];
  std::memset(name, 'x', sizeof(name));
  drm_version arg = {};
  arg.name = name;
  arg.name_len = 250;
  EXPECT_EQ(second.call(DRM_IOCTL_VERSION, arg), 0);
  for (size_t i = 7; i < 250; ++i) ASSERT_EQ(name[i], 0) << i;
  EXPECT_EQ(name[250], 'x');
}

TEST_P(SocketIoctl, QueryGivesTheDevice) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  drm_fakegpu_device_info info = {};
  drm_fakegpu_query arg = {};
  arg.data = reinterpret_cast<uintptr_t>(&info);
  arg.size = sizeof(info);
  EXPECT_EQ(peer.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(info.ring_count, 7u);
  EXPECT_TRUE(info.features & DRM_FAKEGPU_FEATURE_CHANNEL);
}

TEST_P(SocketIoctl, LargeArraysGoBothWays) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t syncobj = peer.syncobj();
  uint64_t point = 0x1122334455667788;
  drm_syncobj_timeline_array signal = {};
  signal.handles = reinterpret_cast<uintptr_t>(&syncobj);
  signal.points = reinterpret_cast<uintptr_t>(&point);
  signal.count_handles = 1;
  ASSERT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, signal), 0);

  std::vector<uint32_t> handles(8192, syncobj);
  std::vector<uint64_t> points(8192);
  drm_syncobj_timeline_array query = {};
  query.handles = reinterpret_cast<uintptr_t>(handles.data());
  query.points = reinterpret_cast<uintptr_t>(points.data());
  query.count_handles = 8192;
  EXPECT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_QUERY, query), 0);
  EXPECT_EQ(points, std::vector<uint64_t>(8192, point));
}

TEST_P(SocketIoctl, NullAndWrappingPointersAreEfault) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  drm_syncobj_array arg = {};
  arg.count_handles = 1;
  EXPECT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg), -EFAULT);
  arg.handles = ~uint64_t{1};
  EXPECT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg), -EFAULT);
  EXPECT_NE(peer.syncobj(), 0u) << "the connection goes on";
}

TEST_P(SocketIoctl, RefusalsAreAnsweredAndTheConnectionGoesOn) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  drm_syncobj_destroy destroy = {77, 0};
  EXPECT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), -EINVAL);
  uint64_t any = 0;
  EXPECT_EQ(peer.call(_IOWR('x', 1, uint64_t), any), -ENOTTY);
  EXPECT_EQ(peer.call(DRM_IOWR(0x9f, uint64_t), any), -EINVAL);
  EXPECT_EQ(peer.call(DRM_IO(0x9f), any), -EINVAL);
  EXPECT_NE(peer.syncobj(), 0u);
}

TEST_P(SocketIoctl, ALongerStructComesBackWithItsEndAsItWas) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  struct Long {
    drm_syncobj_wait known;
    uint8_t more[160];
  } arg = {};
  const unsigned long command =
      _IOC(_IOC_READ | _IOC_WRITE, 'd', _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT), sizeof(Long));
  const uint32_t row = ioctl::find_row(static_cast<uint32_t>(command))->size;
  const uint32_t signaled = peer.syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  const uint32_t handle = peer.syncobj();
  for (const uint32_t what : {signaled, handle}) {
    std::memset(arg.more, 0, sizeof(arg.more));
    auto* bytes = reinterpret_cast<uint8_t*>(&arg);
    std::memset(bytes + row, 0x5a, sizeof(arg) - row);
    arg.known.handles = reinterpret_cast<uintptr_t>(&what);
    arg.known.count_handles = 1;
    arg.known.timeout_nsec = INT64_MAX;
    arg.known.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    const Peer::Call call = peer.start(command, arg);
    if (what == handle) {
      // Answered later, by this.
      drm_syncobj_array array = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
      peer.start(DRM_IOCTL_SYNCOBJ_SIGNAL, array);
    }
    const Peer::Reply reply = peer.answer(call.id, wire::Type::kIoctlReply);
    EXPECT_EQ(reply.result(), 0);
    ASSERT_EQ(reply.body().size(), sizeof(arg));
    for (size_t i = row; i < sizeof(arg); ++i)
      ASSERT_EQ(reply.body()[i], std::byte{0x5a}) << i << (what == handle ? " late" : "");
    EXPECT_EQ(reply.as<wire::IoctlReply>().flags, 0u);
  }
}

TEST_P(SocketIoctl, AWaitIsAnsweredWhenItsSyncobjIsSignaled) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  const uint32_t wait = peer.start_wait(handle);
  drm_get_cap cap = {DRM_CAP_SYNCOBJ, 0};
  EXPECT_EQ(peer.call(DRM_IOCTL_GET_CAP, cap), 0) << "calls go on beside it";
  EXPECT_EQ(daemon.machine().census().waits, 1u);

  drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
  const uint32_t signal = peer.start(DRM_IOCTL_SYNCOBJ_SIGNAL, arg).id;
  std::map<uint32_t, Peer::Reply> replies;
  for (int i = 0; i < 2; ++i) {
    auto reply = peer.receive();
    ASSERT_TRUE(reply);
    const uint32_t id = reply->header().id;
    replies.emplace(id, std::move(*reply));
  }
  ASSERT_TRUE(replies.contains(wait));
  ASSERT_TRUE(replies.contains(signal));
  EXPECT_EQ(replies[wait].result(), 0);
  EXPECT_EQ(replies[wait].body().size(), sizeof(drm_syncobj_wait));
  EXPECT_EQ(replies[signal].result(), 0);
}

TEST_P(SocketIoctl, ADeadlineAnswersAWaitFromAnotherThread) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  for (int i = 0; i < 50; ++i) {
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    // So near that the answer may come before the call is known to be pending.
    arg.timeout_nsec = base::MonotonicClock().now() + i * 5'000;
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    ASSERT_EQ(peer.call(DRM_IOCTL_SYNCOBJ_WAIT, arg), -ETIME);
  }
}

TEST_P(SocketIoctl, AnInterruptAnswersOnlyItsCall) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  const uint32_t first = peer.start_wait(handle);
  const uint32_t second = peer.start_wait(handle);
  peer.interrupt(second);
  EXPECT_EQ(peer.answer(second, wire::Type::kIoctlReply).result(), -EINTR);
  EXPECT_EQ(daemon.machine().census().waits, 1u);
  peer.interrupt(second);
  peer.interrupt(12345);
  peer.interrupt(first);
  EXPECT_EQ(peer.answer(first, wire::Type::kIoctlReply).result(), -EINTR);
}

TEST_P(SocketIoctl, AnIdIsFreeAgainOnceItsCallIsAnswered) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  Peer::Call call;
  {
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    arg.timeout_nsec = INT64_MAX;
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    call = peer.flatten(DRM_IOCTL_SYNCOBJ_WAIT, &arg);
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(peer.send_raw(call.message), 0);
    peer.interrupt(call.id);
    ASSERT_EQ(peer.answer(call.id, wire::Type::kIoctlReply).result(), -EINTR);
  }
}

TEST_P(SocketIoctl, ManyPendingWaitsAreAllAnsweredByOneSignal) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  std::map<uint32_t, bool> pending;
  for (int i = 0; i < 1000; ++i) pending[peer.start_wait(handle)] = true;
  ASSERT_TRUE(becomes([&] { return daemon.machine().census().waits == 1000; }));
  drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
  pending[peer.start(DRM_IOCTL_SYNCOBJ_SIGNAL, arg).id] = true;
  while (!pending.empty()) {
    const auto reply = peer.receive();
    ASSERT_TRUE(reply) << pending.size();
    EXPECT_EQ(reply->result(), 0);
    ASSERT_EQ(pending.erase(reply->header().id), 1u);
  }
}

TEST_P(SocketIoctl, AKilledClientLeavesNothing) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  peer.bo(1 << 20);
  for (int i = 0; i < 10; ++i) peer.start_wait(handle);
  peer.start_read(4096, false);
  ASSERT_TRUE(becomes([&] { return daemon.machine().census().waits >= 10; }));
  // Who holds the socket is another process now.
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  peer.close();
  daemon.on_loop([] { return 0; });
  EXPECT_EQ(daemon.machine().census().files, 1u);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(daemon.becomes_idle());
}

TEST_P(SocketIoctl, EventsAreRead) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  uint32_t read = peer.start_read(4096, true);
  EXPECT_EQ(peer.answer(read, wire::Type::kReadReply).result(), -EAGAIN);

  drm_fakegpu_vm_create vm = {};
  ASSERT_EQ(peer.call(DRM_IOCTL_FAKEGPU_VM_CREATE, vm), 0);
  drm_fakegpu_ctx_create context = {};
  context.vm_id = vm.vm_id;
  ASSERT_EQ(peer.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, context), 0);

  // One that waits, and one that finds its event there.
  for (const bool before : {true, false}) {
    if (before) read = peer.start_read(4096, false);
    drm_fakegpu_submit submit = {};
    submit.ctx_id = context.ctx_id;
    submit.flags = DRM_FAKEGPU_SUBMIT_EVENT;
    submit.user_data = 4711;
    const uint32_t call = peer.start(DRM_IOCTL_FAKEGPU_SUBMIT, submit).id;
    if (!before) {
      EXPECT_EQ(peer.answer(call, wire::Type::kIoctlReply).result(), 0);
      read = peer.start_read(4096, false);
    }
    for (int replies = before ? 2 : 1; replies > 0; --replies) {
      const auto reply = peer.receive();
      ASSERT_TRUE(reply);
      if (reply->header().id == call) continue;
      EXPECT_EQ(reply->header().id, read);
      EXPECT_EQ(reply->header().type, wire::Type::kReadReply);
      ASSERT_EQ(reply->result(), static_cast<int>(sizeof(drm_fakegpu_event_fence)));
      drm_fakegpu_event_fence event;
      ASSERT_EQ(reply->body().size(), sizeof(event));
      std::memcpy(&event, reply->body().data(), sizeof(event));
      EXPECT_EQ(event.user_data, 4711u);
      EXPECT_EQ(event.base.type, DRM_FAKEGPU_EVENT_FENCE);
    }
  }
  read = peer.start_read(UINT32_MAX, false);
  peer.interrupt(read);
  EXPECT_EQ(peer.answer(read, wire::Type::kReadReply).result(), -EINTR);
}

TEST_P(SocketIoctl, TheEndOfTheDaemonAnswersWaitsAndEndsConnections) {
  auto daemon = std::make_unique<Daemon>(GetParam());
  Peer peer(*daemon);
  const uint32_t wait = peer.start_wait(peer.syncobj());
  ASSERT_TRUE(becomes([&] { return daemon->machine().census().waits == 1; }));
  daemon.reset();
  EXPECT_EQ(peer.answer(wait, wire::Type::kIoctlReply).result(), -ENODEV);
  EXPECT_TRUE(peer.is_cut_off());
}

}  // namespace
}  // namespace fakegpu::cuse_dev
