// SPDX-License-Identifier: MIT
// Masters and authentication: every row of drm_auth.c, by processes that do not exist (their pids
// are above any pid_max, so each stands for itself).
#include <unistd.h>

#include <array>
#include <set>
#include <string>
#include <thread>

#include "ioctl/table.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr int32_t kFirstPid = 1 << 23;
constexpr drv::Caller kRoot = {kFirstPid, 0, 0};
constexpr drv::Caller kAlice = {kFirstPid + 1, 1000, 1000};
constexpr drv::Caller kAlicesOther = {kFirstPid + 2, 1000, 1000};
constexpr drv::Caller kBob = {kFirstPid + 3, 1001, 1001};

struct Masters : testing::Test {
  // An open file of the primary node.
  Client open(drv::Caller caller) {
    auto file = machine.machine().open(caller, false);
    EXPECT_TRUE(file);
    return Client(std::move(*file), caller);
  }

  static int set(Client& client) { return bare(client, DRM_IOCTL_SET_MASTER); }
  static int drop(Client& client) { return bare(client, DRM_IOCTL_DROP_MASTER); }
  static int bare(Client& client, unsigned long command) {
    int nothing = 0;
    return client.call(command, nothing);
  }
  static uint32_t magic(Client& client) {
    drm_auth arg = {};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_MAGIC, arg), 0);
    return arg.magic;
  }
  static int authenticate(Client& client, uint32_t magic) {
    drm_auth arg = {magic};
    return client.call(DRM_IOCTL_AUTH_MAGIC, arg);
  }
  static drm_client who(Client& client) {
    drm_client arg = {};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_CLIENT, arg), 0);
    return arg;
  }
  static bool is_authenticated(Client& client) { return who(client).auth != 0; }
  // Only the master may.
  static bool is_master(Client& client) {
    drm_set_version arg = {-1, -1, -1, -1};
    return client.call(DRM_IOCTL_SET_VERSION, arg) == 0;
  }
  static std::string unique(Client& client, size_t room = 64) {
    std::string text(room, '#');
    drm_unique arg = {.unique_len = room, .unique = text.data()};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_UNIQUE, arg), 0);
    return arg.unique_len <= room ? text.substr(0, arg.unique_len)
                                  : text + std::to_string(arg.unique_len);
  }

  VirtualMachine machine;
};

TEST_F(Masters, TheFirstOpenerIsOne) {
  Client first = open(kAlice);
  Client second = open(kRoot);
  EXPECT_TRUE(is_master(first));
  EXPECT_FALSE(is_master(second)) << "privilege alone makes none";
  first.close();
  EXPECT_FALSE(is_master(second)) << "nobody inherits it";
  Client third = open(kBob);
  EXPECT_TRUE(is_master(third)) << "there was none when it was opened";
}

TEST_F(Masters, ARenderNodeIsNone) {
  Client render(machine, kRoot);
  EXPECT_FALSE(is_master(render));
  Client primary = open(kBob);
  EXPECT_TRUE(is_master(primary));
  constexpr unsigned long kCommands[] = {
      DRM_IOCTL_GET_UNIQUE,  DRM_IOCTL_GET_MAGIC,  DRM_IOCTL_GET_CLIENT, DRM_IOCTL_GET_STATS,
      DRM_IOCTL_SET_VERSION, DRM_IOCTL_AUTH_MAGIC, DRM_IOCTL_SET_MASTER, DRM_IOCTL_DROP_MASTER};
  for (const unsigned long command : kCommands) {
    std::array<std::byte, 256> arg = {};
    EXPECT_EQ(render.call(command, arg), -EACCES) << _IOC_NR(command);
    EXPECT_EQ(render.file().plan(static_cast<uint32_t>(command), kRoot, arg).error, -EACCES);
  }
}

TEST_F(Masters, SetMasterIsBusyWhileThereIsAnother) {
  Client master = open(kRoot);
  Client other = open(kRoot);
  EXPECT_EQ(set(master), 0) << "it is already";
  EXPECT_EQ(set(other), -EBUSY);
  EXPECT_EQ(drop(other), -EINVAL);
  EXPECT_EQ(drop(master), 0);
  EXPECT_FALSE(is_master(master));
  EXPECT_EQ(drop(master), -EINVAL) << "once";
  EXPECT_EQ(set(other), 0);
  EXPECT_TRUE(is_master(other));
  EXPECT_EQ(set(master), -EBUSY);
}

TEST_F(Masters, WithoutPrivilegeOnlyAFormerMasterComesBack) {
  Client former = open(kAlice);
  Client never = open(kBob);
  EXPECT_EQ(set(never), -EACCES) << "before it is looked at who is master";
  EXPECT_EQ(drop(never), -EACCES);
  EXPECT_EQ(drop(former), 0);
  EXPECT_EQ(set(never), -EACCES);
  EXPECT_EQ(set(former), 0);
  EXPECT_TRUE(is_master(former));
}

TEST_F(Masters, APassedFileIsJudgedByWhoCalls) {
  Client file = open(kAlice);
  file.pass_to(kAlicesOther);
  EXPECT_EQ(drop(file), -EACCES) << "the user is the same, the process is not";
  EXPECT_EQ(set(file), -EACCES) << "though it is master already";
  file.pass_to(kRoot);
  EXPECT_EQ(drop(file), 0);
  file.pass_to(kBob);
  EXPECT_EQ(set(file), -EACCES);
  file.pass_to(kAlice);
  EXPECT_EQ(set(file), 0);
}

TEST_F(Masters, AProcessThatCannotBeSeenIsNobodysOpener) {
  Client file = open({0, 1000, 1000});
  EXPECT_TRUE(is_master(file));
  EXPECT_EQ(drop(file), -EACCES);
}

TEST_F(Masters, AnyThreadOfTheOpenerMay) {
  Client file = open({::getpid(), 1000, 1000});
  std::thread([&] {
    file.pass_to({::gettid(), 1000, 1000});
    EXPECT_EQ(drop(file), 0);
    EXPECT_EQ(set(file), 0);
  }).join();
}

TEST_F(Masters, MagicIsNotZeroAndStable) {
  Client master = open(kRoot);
  Client client = open(kBob);
  const uint32_t mine = magic(client);
  EXPECT_NE(mine, 0u);
  EXPECT_EQ(magic(client), mine);
  EXPECT_NE(magic(master), mine);
  EXPECT_EQ(magic(client), mine);
}

TEST_F(Masters, MagicsAreUnique) {
  Client master = open(kRoot);
  std::vector<Client> clients;
  std::set<uint32_t> magics;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(open(kBob));
    magics.insert(magic(clients.back()));
  }
  EXPECT_EQ(magics.size(), 1000u);
}

TEST_F(Masters, AuthMagicWorksOnce) {
  Client master = open(kAlice);
  Client client = open(kBob);
  EXPECT_TRUE(is_authenticated(master));
  EXPECT_FALSE(is_authenticated(client));
  const uint32_t mine = magic(client);
  EXPECT_EQ(authenticate(master, 0), -EINVAL);
  EXPECT_EQ(authenticate(master, mine + 1), -EINVAL);
  EXPECT_FALSE(is_authenticated(client));
  EXPECT_EQ(authenticate(master, mine), 0);
  EXPECT_TRUE(is_authenticated(client));
  EXPECT_EQ(authenticate(master, mine), -EINVAL);
  EXPECT_EQ(magic(client), mine) << "its number stays its own";
  Client next = open(kBob);
  EXPECT_NE(magic(next), mine);
}

TEST_F(Masters, OnlyTheMasterAuthenticates) {
  Client master = open(kAlice);
  Client root = open(kRoot);
  Client client = open(kBob);
  EXPECT_EQ(authenticate(root, magic(client)), -EACCES);
  EXPECT_EQ(authenticate(client, magic(client)), -EACCES);
  EXPECT_EQ(drop(master), 0);
  EXPECT_EQ(authenticate(master, magic(client)), -EACCES) << "not any more";
  EXPECT_FALSE(is_authenticated(client));
}

TEST_F(Masters, RootIsAuthenticated) {
  Client master = open(kAlice);
  Client root = open(kRoot);
  EXPECT_TRUE(is_authenticated(root));
}

TEST_F(Masters, AMagicBelongsToTheMasterItWasGotUnder) {
  Client first = open(kRoot);
  Client client = open(kBob);
  Client second = open(kRoot);
  const uint32_t mine = magic(client);
  EXPECT_EQ(drop(first), 0);
  EXPECT_EQ(set(second), 0);
  EXPECT_EQ(authenticate(second, mine), -EINVAL);
  EXPECT_EQ(drop(second), 0);
  EXPECT_EQ(set(first), 0) << "comes back with the magics it had";
  EXPECT_EQ(authenticate(first, mine), 0);
}

TEST_F(Masters, AFileThatBecomesMasterKeepsTheMagicItHad) {
  Client first = open(kRoot);
  Client second = open(kRoot);
  const uint32_t mine = magic(second);
  EXPECT_EQ(drop(first), 0);
  EXPECT_EQ(set(second), 0);
  EXPECT_EQ(magic(second), mine);
  EXPECT_EQ(authenticate(second, mine), -EINVAL) << "not of its own";
  second.close();
  EXPECT_EQ(set(first), 0);
  EXPECT_EQ(authenticate(first, mine), -EINVAL) << "the file is gone";
}

TEST_F(Masters, AClosedFilesMagicIsGone) {
  Client master = open(kRoot);
  uint32_t gone = 0;
  {
    Client client = open(kBob);
    gone = magic(client);
  }
  EXPECT_EQ(authenticate(master, gone), -EINVAL);
  Client next = open(kBob);
  EXPECT_EQ(magic(next), gone) << "the lowest free number";
  EXPECT_EQ(authenticate(master, gone), 0);
}

TEST_F(Masters, AuthenticationOutlivesTheMaster) {
  Client master = open(kAlice);
  Client client = open(kBob);
  EXPECT_EQ(authenticate(master, magic(client)), 0);
  master.close();
  EXPECT_TRUE(is_authenticated(client));
  EXPECT_EQ(magic(client), 1u) << "of a master that only it still belongs to";
}

TEST_F(Masters, GetClientTellsWhoCalls) {
  Client file = open(kAlice);
  file.pass_to(kBob);
  const drm_client told = who(file);
  EXPECT_EQ(told.pid, static_cast<unsigned long>(kBob.pid));
  EXPECT_EQ(told.uid, 65534u) << "overflowuid, as the kernel";
  EXPECT_EQ(told.magic, 0u);
  EXPECT_EQ(told.iocs, 0u);
  for (const int index : {1, -1, 0x7fffffff}) {
    drm_client arg = {.idx = index};
    EXPECT_EQ(file.call(DRM_IOCTL_GET_CLIENT, arg), -EINVAL) << index;
  }
}

TEST_F(Masters, GetStatsClears) {
  Client file = open(kBob);
  drm_stats arg;
  std::memset(&arg, 0xff, sizeof(arg));
  EXPECT_EQ(file.call(DRM_IOCTL_GET_STATS, arg), 0);
  EXPECT_EQ(arg.count, 0u);
  EXPECT_EQ(arg.data[14].value, 0u);
}

TEST_F(Masters, SetVersionNamesTheDevice) {
  Client master = open(kAlice);
  Client client = open(kBob);
  EXPECT_EQ(unique(master), "") << "nobody asked for interface 1.1 yet";
  drm_set_version arg = {1, 0, -1, -1};
  EXPECT_EQ(master.call(DRM_IOCTL_SET_VERSION, arg), 0);
  EXPECT_EQ(unique(master), "");
  arg = {1, 1, 1, 0};
  EXPECT_EQ(client.call(DRM_IOCTL_SET_VERSION, arg), -EACCES);
  EXPECT_EQ(master.call(DRM_IOCTL_SET_VERSION, arg), 0);
  EXPECT_EQ(arg.drm_di_major, 1);
  EXPECT_EQ(arg.drm_di_minor, 4);
  EXPECT_EQ(arg.drm_dd_major, 1);
  EXPECT_EQ(arg.drm_dd_minor, 0);
  EXPECT_EQ(unique(master), "platform:fakegpu.0");
  EXPECT_EQ(unique(client), "platform:fakegpu.0") << "of the same master";
  EXPECT_EQ(unique(client, 4), "####18") << "what does not fit is not copied";
  drm_unique bad = {.unique_len = 64, .unique = nullptr};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_UNIQUE, bad), 0);
  EXPECT_EQ(bad.unique_len, 18u);
}

TEST_F(Masters, SetVersionRefusesOthers) {
  Client master = open(kAlice);
  const drm_set_version wrong[] = {{0, 0, -1, -1}, {2, 0, -1, -1}, {1, 5, -1, -1}, {1, -1, -1, -1},
                                   {-1, 0, 2, 0},  {-1, 0, 1, -1}, {-1, 0, 1, 1}};
  for (drm_set_version arg : wrong) {
    EXPECT_EQ(master.call(DRM_IOCTL_SET_VERSION, arg), -EINVAL);
    EXPECT_EQ(arg.drm_di_minor, 4) << "what there is is told all the same";
  }
  EXPECT_EQ(unique(master), "");
}

}  // namespace
}  // namespace fakegpu::tests
