// SPDX-License-Identifier: MIT
// Masters and authentication on the primary node, by meaning igt's core_auth, core_getclient,
// core_getstats, core_getversion and core_setmaster_vs_auth. Each test begins without a master.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <vector>

#include "client.h"

namespace fakegpu::conformance {
namespace {

struct Card : Client {
  Card() : Client(card_path()) {}

  int bare(unsigned long request) const { return call_at(request, 0); }
  int set_master() const { return bare(DRM_IOCTL_SET_MASTER); }
  int drop_master() const { return bare(DRM_IOCTL_DROP_MASTER); }
  uint32_t magic() const {
    drm_auth arg = {};
    EXPECT_EQ(call(DRM_IOCTL_GET_MAGIC, arg), 0);
    return arg.magic;
  }
  int authenticate(uint32_t magic) const {
    drm_auth arg = {magic};
    return call(DRM_IOCTL_AUTH_MAGIC, arg);
  }
  drm_client who() const {
    drm_client arg = {};
    EXPECT_EQ(call(DRM_IOCTL_GET_CLIENT, arg), 0);
    return arg;
  }
};

TEST(GetClient, TellsWhoCallsAndThatTheFirstOpenerIsAuthenticated) {
  const Card card;
  const drm_client told = card.who();
  EXPECT_EQ(told.auth, 1);
  EXPECT_TRUE(told.pid == static_cast<unsigned long>(::getpid()) ||
              told.pid == static_cast<unsigned long>(::gettid()))
      << told.pid;
}

TEST(GetClient, HasOneIndex) {
  const Card card;
  for (const int index : {1, 0x7fffffff, -1}) {
    drm_client arg = {.idx = index};
    EXPECT_EQ(card.call(DRM_IOCTL_GET_CLIENT, arg), -EINVAL) << index;
  }
}

TEST(GetStats, SucceedsWithNothing) {
  const Card card;
  drm_stats arg;
  std::memset(&arg, 0xff, sizeof(arg));
  EXPECT_EQ(card.call(DRM_IOCTL_GET_STATS, arg), 0);
  EXPECT_EQ(arg.count, 0u);
}

TEST(GetVersion, IsTheSameOnThePrimaryNode) {
  const Card card;
  char name[16] = {};
  drm_version arg = {};
  arg.name = name;
  arg.name_len = sizeof(name);
  ASSERT_EQ(card.call(DRM_IOCTL_VERSION, arg), 0);
  EXPECT_STREQ(name, "fakegpu");
}

TEST(GetUnique, IsSetByTheMastersSetVersion) {
  const Card card;
  const Card other;
  char text[64] = {};
  drm_unique unique = {.unique_len = sizeof(text), .unique = text};
  EXPECT_EQ(card.call(DRM_IOCTL_GET_UNIQUE, unique), 0);
  EXPECT_EQ(unique.unique_len, 0u);
  drm_set_version version = {1, 4, -1, -1};
  EXPECT_EQ(other.call(DRM_IOCTL_SET_VERSION, version), -EACCES);
  EXPECT_EQ(card.call(DRM_IOCTL_SET_VERSION, version), 0);
  unique.unique_len = sizeof(text);
  EXPECT_EQ(other.call(DRM_IOCTL_GET_UNIQUE, unique), 0);
  EXPECT_STREQ(text, "platform:fakegpu.0");
}

TEST(GetMagic, IsNotZeroStableAndUnique) {
  const Card master;
  const std::vector<Card> clients(100);
  std::set<uint32_t> magics;
  for (const Card& client : clients) {
    const uint32_t magic = client.magic();
    EXPECT_EQ(client.magic(), magic);
    magics.insert(magic);
  }
  EXPECT_EQ(magics.size(), clients.size());
  EXPECT_FALSE(magics.contains(0));
}

TEST(AuthMagic, IsTheMastersAndWorksOnce) {
  const Card master;
  const Card client;
  const Card other;
  const uint32_t magic = client.magic();
  EXPECT_EQ(other.authenticate(magic), -EACCES);
  EXPECT_EQ(master.authenticate(0), -EINVAL);
  EXPECT_EQ(master.authenticate(magic + 1), -EINVAL);
  // Root needs nobody to vouch for it.
  EXPECT_EQ(client.who().auth, ::geteuid() == 0 ? 1 : 0);
  EXPECT_EQ(master.authenticate(magic), 0);
  EXPECT_EQ(client.who().auth, 1);
  EXPECT_EQ(master.authenticate(magic), -EINVAL);
  EXPECT_EQ(client.magic(), magic);
}

TEST(SetMaster, TheFirstOpenerIsItAndMayComeBack) {
  const Card first;
  const Card second;
  EXPECT_EQ(first.set_master(), 0) << "already";
  EXPECT_EQ(second.set_master(), ::geteuid() == 0 ? -EBUSY : -EACCES);
  EXPECT_EQ(second.drop_master(), ::geteuid() == 0 ? -EINVAL : -EACCES);
  EXPECT_EQ(first.drop_master(), 0);
  EXPECT_EQ(first.drop_master(), -EINVAL);
  EXPECT_EQ(first.set_master(), 0);
}

TEST(SetMaster, AnotherMasterDoesNotKnowTheMagic) {
  if (::geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  const Card first;
  const Card second;
  const Card client;
  const uint32_t magic = client.magic();
  EXPECT_EQ(first.drop_master(), 0);
  EXPECT_EQ(second.set_master(), 0);
  EXPECT_EQ(second.authenticate(magic), -EINVAL);
  EXPECT_EQ(second.drop_master(), 0);
  EXPECT_EQ(first.set_master(), 0);
  EXPECT_EQ(first.authenticate(magic), 0);
}

TEST(SetMaster, AClosedMasterLeavesNone) {
  {
    const Card gone;
    EXPECT_EQ(gone.set_master(), 0);
  }
  const Card next;
  drm_set_version version = {-1, -1, -1, -1};
  EXPECT_EQ(next.call(DRM_IOCTL_SET_VERSION, version), 0) << "for the master only";
}

TEST(PrimaryNode, DoesWhatARenderNodeDoes) {
  const Card first;
  const Card second;  // not master
  Worker worker(second, DRM_FAKEGPU_RING_GFX);
  const uint32_t done = second.make_syncobj();
  EXPECT_EQ(worker.submit({}, {{.handle = done}}), 0);
  EXPECT_EQ(second.wait({&done, 1}, INT64_MAX, 0), 0);
}

}  // namespace
}  // namespace fakegpu::conformance
