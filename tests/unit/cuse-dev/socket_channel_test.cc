// SPDX-License-Identifier: MIT
// Descriptors for clients, and connections that join an open file for them.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

using wire::Type;

class SocketChannel : public SocketTest {};
FAKEGPU_BOTH_LOOPS(SocketChannel);

base::Mapping map(const Peer::Reply& reply, uint64_t offset, size_t size) {
  auto mapping = base::Mapping::map_shared(reply.fd.get(), offset, size, PROT_READ | PROT_WRITE);
  EXPECT_TRUE(mapping);
  return mapping ? std::move(*mapping) : base::Mapping();
}

TEST_P(SocketChannel, ArenaAndBoDescriptorsShowTheSamePages) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  peer.bo(4096);
  const uint32_t bo = peer.bo(8192);
  const Peer::Reply arena = peer.get(Type::kGetArena);
  ASSERT_EQ(arena.as<wire::FdReply>().result, 0);
  ASSERT_TRUE(arena.fd);
  const Peer::Reply one = peer.get(Type::kGetBo, bo);
  const auto backing = one.as<wire::FdReply>();
  ASSERT_EQ(backing.result, 0);
  EXPECT_EQ(backing.size, 8192u);
  EXPECT_EQ(backing.offset, peer.map_offset(bo));
  EXPECT_GE(arena.as<wire::FdReply>().size, backing.offset + backing.size);

  const base::Mapping by_arena = map(arena, backing.offset, 8192);
  const base::Mapping by_bo = map(one, backing.offset, 8192);
  by_arena.data()[5000] = std::byte{42};
  EXPECT_EQ(by_bo.data()[5000], std::byte{42});
}

TEST_P(SocketChannel, AShareableBoHasADescriptorOfItsOwn) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t bo = peer.bo(4096, DRM_FAKEGPU_BO_SHAREABLE);
  const Peer::Reply first = peer.get(Type::kGetBo, bo);
  const Peer::Reply second = peer.get(Type::kGetBo, bo);
  ASSERT_TRUE(first.fd && second.fd);
  const auto backing = first.as<wire::FdReply>();
  const base::Mapping a = map(first, backing.offset, 4096);
  const base::Mapping b = map(second, backing.offset, 4096);
  a.data()[0] = std::byte{7};
  EXPECT_EQ(b.data()[0], std::byte{7});
}

TEST_P(SocketChannel, TheFencePageIsTheFilesAndOnlyRead) {
  Daemon daemon(GetParam());
  Peer owner(daemon);
  Peer other(daemon);
  const drm_fakegpu_channel channel = owner.channel();
  Peer joined(daemon, false);
  ASSERT_EQ(joined.hello(channel.token[0], channel.token[1]), 0);
  const auto inode_of = [](Peer& peer) {
    const Peer::Reply reply = peer.get(Type::kGetFencePage);
    EXPECT_EQ(reply.as<wire::FdReply>().result, 0);
    EXPECT_TRUE(reply.fd);
    struct stat status = {};
    EXPECT_EQ(::fstat(reply.fd.get(), &status), 0);
    EXPECT_EQ(static_cast<uint64_t>(status.st_size), reply.as<wire::FdReply>().size);
    EXPECT_FALSE(base::Mapping::map_shared(reply.fd.get(), 0, 4096, PROT_READ | PROT_WRITE));
    EXPECT_TRUE(base::Mapping::map_shared(reply.fd.get(), 0, 4096, PROT_READ));
    return status.st_ino;
  };
  EXPECT_EQ(inode_of(owner), inode_of(joined));
  EXPECT_NE(inode_of(owner), inode_of(other));
}

TEST_P(SocketChannel, AnUnknownBoHasNoDescriptor) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  Peer other(daemon);
  const uint32_t bo = other.bo(4096);
  const Peer::Reply reply = peer.get(Type::kGetBo, bo);
  EXPECT_EQ(reply.as<wire::FdReply>().result, -ENOENT);
  EXPECT_FALSE(reply.fd);
  EXPECT_EQ(reply.as<wire::FdReply>().size, 0u);
}

TEST_P(SocketChannel, ATokenJoinsTheFileOfAnotherConnection) {
  Daemon daemon(GetParam());
  Peer owner(daemon);
  const uint32_t bo = owner.bo(4096);
  const drm_fakegpu_channel channel = owner.channel();
  EXPECT_EQ(channel.path, daemon.path());

  Peer joined(daemon, false);
  ASSERT_EQ(joined.hello(channel.token[0], channel.token[1]), 0);
  const Peer::Reply arena = joined.get(Type::kGetArena);
  const Peer::Reply backing = joined.get(Type::kGetBo, bo);
  ASSERT_TRUE(arena.fd && backing.fd);
  const uint64_t offset = backing.as<wire::FdReply>().offset;
  const base::Mapping theirs = map(arena, offset, 4096);
  const base::Mapping ours = map(owner.get(Type::kGetArena), offset, 4096);
  theirs.data()[1] = std::byte{9};
  EXPECT_EQ(ours.data()[1], std::byte{9});

  Peer again(daemon, false);
  EXPECT_EQ(again.hello(channel.token[0], channel.token[1]), -EACCES) << "it works once";
}

TEST_P(SocketChannel, AJoinedConnectionMakesNoCalls) {
  Daemon daemon(GetParam());
  Peer owner(daemon);
  const drm_fakegpu_channel channel = owner.channel();
  Peer joined(daemon, false);
  ASSERT_EQ(joined.hello(channel.token[0], channel.token[1]), 0);
  drm_get_cap cap = {DRM_CAP_SYNCOBJ, 0};
  EXPECT_EQ(joined.call(DRM_IOCTL_GET_CAP, cap), -EPERM);
  const uint32_t read = joined.start_read(4096, false);
  const Peer::Reply reply = joined.answer(read, Type::kReadReply);
  EXPECT_EQ(reply.result(), -EPERM);
  EXPECT_TRUE(reply.body().empty());
  joined.interrupt(read);
  EXPECT_TRUE(joined.get(Type::kGetArena).fd);
}

TEST_P(SocketChannel, ClosingTheFileEndsItsChannels) {
  Daemon daemon(GetParam());
  Peer owner(daemon);
  const drm_fakegpu_channel first = owner.channel();
  const drm_fakegpu_channel second = owner.channel();
  const drm_fakegpu_channel unused = owner.channel();
  Peer a(daemon, false);
  Peer b(daemon, false);
  ASSERT_EQ(a.hello(first.token[0], first.token[1]), 0);
  ASSERT_EQ(b.hello(second.token[0], second.token[1]), 0);
  owner.close();
  EXPECT_TRUE(a.is_cut_off());
  EXPECT_TRUE(b.is_cut_off());
  EXPECT_TRUE(daemon.becomes_idle());
  Peer late(daemon, false);
  EXPECT_EQ(late.hello(unused.token[0], unused.token[1]), -EACCES);
}

TEST_P(SocketChannel, ClosingAChannelLeavesTheFileAlone) {
  Daemon daemon(GetParam());
  Peer owner(daemon);
  for (int i = 0; i < 20; ++i) {
    const drm_fakegpu_channel channel = owner.channel();
    Peer joined(daemon, false);
    ASSERT_EQ(joined.hello(channel.token[0], channel.token[1]), 0);
  }
  EXPECT_NE(owner.syncobj(), 0u);
  owner.close();
  EXPECT_TRUE(daemon.becomes_idle());
}

// A file of another transport, closed by another thread while its channel is busy.
TEST_P(SocketChannel, AFileMayBeClosedByAnyThread) {
  Daemon daemon(GetParam());
  for (int round = 0; round < 20; ++round) {
    auto file = daemon.machine().open({1, geteuid(), 0});
    ASSERT_TRUE(file);
    drm_fakegpu_channel channel = {};
    ioctl::DirectMemory memory;
    const auto token = (*file)->ioctl({static_cast<uint32_t>(DRM_IOCTL_FAKEGPU_CHANNEL),
                                       reinterpret_cast<uintptr_t>(&channel),
                                       {1, geteuid(), 0},
                                       1},
                                      memory, nullptr);
    ASSERT_EQ(token, 0);
    Peer joined(daemon, false);
    ASSERT_EQ(joined.hello(channel.token[0], channel.token[1]), 0);
    for (int i = 0; i < 5; ++i)
      joined.send(wire::GetFd{joined.header(Type::kGetArena, sizeof(wire::GetFd)), 0, 0});
    file->reset();
    while (joined.receive()) {
    }
  }
  EXPECT_TRUE(daemon.becomes_idle());
}

TEST_P(SocketChannel, ATokenIsForTheUserWhoAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  Daemon daemon(GetParam());
  Peer owner(daemon);
  const drm_fakegpu_channel channel = owner.channel();
  std::thread stranger([&] {
    // Of this thread only, unlike the C library's.
    ASSERT_EQ(syscall(SYS_setresuid, -1, 12345, -1), 0);
    Peer peer(daemon, false);
    EXPECT_EQ(peer.hello(channel.token[0], channel.token[1]), -EACCES);
    EXPECT_EQ(peer.hello(0, 0), 0);
    drm_fakegpu_vm_create vm = {};
    EXPECT_EQ(peer.call(DRM_IOCTL_FAKEGPU_VM_CREATE, vm), 0);
    drm_fakegpu_ctx_create context = {};
    context.vm_id = vm.vm_id;
    context.priority = DRM_FAKEGPU_PRIORITY_HIGH;
    EXPECT_EQ(peer.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, context), -EACCES) << "known to the driver";
  });
  stranger.join();
  Peer joined(daemon, false);
  EXPECT_EQ(joined.hello(channel.token[0], channel.token[1]), 0) << "it is still good";
}

}  // namespace
}  // namespace fakegpu::cuse_dev
