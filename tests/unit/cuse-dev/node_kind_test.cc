// SPDX-License-Identifier: MIT
#include "node_kind.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/process.h"
#include "drm_numbers.h"
#include "fake_driver.h"

namespace fakegpu::cuse_dev {
namespace {

TEST(NodeKind, OnlyACardIsPrimary) {
  EXPECT_EQ(kind_of_name("dri/card0"), NodeKind::kPrimary);
  EXPECT_EQ(kind_of_name("card12"), NodeKind::kPrimary);
  for (const char* name : {"dri/renderD128", "fakegpu", "card/fakegpu", ""})
    EXPECT_EQ(kind_of_name(name), NodeKind::kRender) << name;
}

TEST(NodeKind, DecidesWhatAnOpenIs) {
  Behaviour behaviour;
  FakeMachine machine(behaviour);
  const drv::Caller self = {::getpid(), 1, 2};
  ASSERT_TRUE(open_through(NodeKind::kRender, machine, self, nullptr));
  EXPECT_TRUE(machine.render);
  EXPECT_EQ(machine.opener.uid, 1u);
  ASSERT_TRUE(open_through(NodeKind::kPrimary, machine, self, nullptr));
  EXPECT_FALSE(machine.render);
  EXPECT_EQ(machine.sw_sync_name, "");
  ASSERT_TRUE(open_through(NodeKind::kSwSync, machine, self, nullptr));
  EXPECT_EQ(machine.sw_sync_name, base::command_of(::getpid()));
  EXPECT_NE(machine.sw_sync_name, "");
}

TEST(DrmNumbers, AreThoseOfDrmsNames) {
  EXPECT_EQ(drm_number("dri/card0"), makedev(226, 0));
  EXPECT_EQ(drm_number("dri/card63"), makedev(226, 63));
  EXPECT_EQ(drm_number("dri/renderD128"), makedev(226, 128));
  EXPECT_EQ(drm_number("dri/renderD191"), makedev(226, 191));
  for (const char* name :
       {"fakegpu", "card0", "dri/card", "dri/card64", "dri/cardx", "dri/card0x", "dri/card-1",
        "dri/renderD0", "dri/renderD127", "dri/renderD192", "dri/card99999999999"})
    EXPECT_FALSE(drm_number(name)) << name;
}

TEST(DrmNumbers, BelongToDrmOnceItIsLoaded) {
  EXPECT_TRUE(is_drm_loaded("Character devices:\n  1 mem\n226 drm\n250 hidraw\n"));
  EXPECT_FALSE(is_drm_loaded("Character devices:\n  1 mem\n250 hidraw\n"));
  EXPECT_FALSE(is_drm_loaded("Character devices:\n226 dri/card0\n")) << "a CUSE node's";
  EXPECT_FALSE(is_drm_loaded("Character devices:\n226 drm_dp_aux\n"));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
