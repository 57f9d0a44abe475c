// SPDX-License-Identifier: MIT
#include "access.h"

#include <grp.h>
#include <sys/syscall.h>

#include <thread>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr uid_t kOwner = 1000;
constexpr gid_t kGroup = 2000;
constexpr uid_t kOther = 12345;

bool may_open(mode_t mode, uid_t user, std::initializer_list<gid_t> groups) {
  return cuse_dev::may_open({mode, kOwner, kGroup}, user, std::span(groups.begin(), groups.size()));
}

TEST(Access, ModesForEverybodyAreForEverybody) {
  EXPECT_TRUE(may_open(0666, kOwner, {kGroup}));
  EXPECT_TRUE(may_open(0666, kOther, {kOther}));
}

TEST(Access, OthersNeedBothBits) {
  EXPECT_FALSE(may_open(0664, kOther, {kOther}));
  EXPECT_FALSE(may_open(0662, kOther, {kOther}));
  EXPECT_FALSE(may_open(0660, kOther, {kOther}));
}

TEST(Access, AnyOfTheGroupsWillDo) {
  EXPECT_TRUE(may_open(0660, kOther, {kOther, kGroup}));
  EXPECT_FALSE(may_open(0640, kOther, {kGroup}));
}

TEST(Access, TheFirstClassThatAppliesDecides) {
  EXPECT_FALSE(may_open(0066, kOwner, {kGroup}));
  EXPECT_FALSE(may_open(0606, kOther, {kGroup}));
  EXPECT_TRUE(may_open(0606, kOther, {kOther}));
}

TEST(Access, RootMayAlways) {
  EXPECT_TRUE(may_open(0, 0, {0}));
}

class SocketAccess : public SocketTest {
 protected:
  // In a thread that is somebody else.
  template <typename F>
  static void as_other(std::vector<gid_t> groups, F task) {
    std::thread([&] {
      ASSERT_EQ(syscall(SYS_setgroups, groups.size(), groups.data()), 0);
      ASSERT_EQ(syscall(SYS_setresgid, -1, kOther, -1), 0);
      ASSERT_EQ(syscall(SYS_setresuid, -1, kOther, -1), 0);
      task();
    }).join();
  }
};

TEST_P(SocketAccess, WhoMayNotOpenTheDeviceMayNotByTheSocketEither) {
  if (geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  Daemon daemon(GetParam(), {.access = {0660, 0, kGroup}});
  as_other({}, [&] {
    Peer peer(daemon, false);
    EXPECT_EQ(peer.hello(0, 0), -EACCES);
  });
  as_other({5, kGroup}, [&] {
    Peer peer(daemon, false);
    EXPECT_EQ(peer.hello(0, 0), 0);
  });
  // More than are asked for at first.
  std::vector<gid_t> many(100, 5);
  many.push_back(kGroup);
  as_other(many, [&] {
    Peer peer(daemon, false);
    EXPECT_EQ(peer.hello(0, 0), 0);
  });
}

TEST_P(SocketAccess, TheChannelOfAFileIsOpenToItsHolder) {
  if (geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  Daemon daemon(GetParam(), {.access = {0600, 0, 0}});
  // As a device node gives it to a process that was handed the open file.
  const drv::Caller holder{1, kOther, kOther};
  auto file = daemon.machine().open(holder);
  ASSERT_TRUE(file);
  drm_fakegpu_channel arg = {};
  ioctl::DirectMemory memory;
  ASSERT_EQ((*file)->ioctl({static_cast<uint32_t>(DRM_IOCTL_FAKEGPU_CHANNEL),
                            reinterpret_cast<uintptr_t>(&arg), holder, 1},
                           memory, nullptr),
            0);
  as_other({}, [&] {
    Peer peer(daemon, false);
    EXPECT_EQ(peer.hello(arg.token[0], arg.token[1]), 0);
    EXPECT_TRUE(peer.get(wire::Type::kGetArena).fd);
  });
}

FAKEGPU_BOTH_LOOPS(SocketAccess);

}  // namespace
}  // namespace fakegpu::cuse_dev
