// SPDX-License-Identifier: MIT
#include "ioctl/fault_text.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include <sys/ioctl.h>

namespace fakegpu::ioctl {
namespace {

std::optional<uint32_t> ring(std::string_view name) {
  if (name == "sdma1") return 6;
  return std::nullopt;
}

bool parse(std::string_view text, drm_fakegpu_fault* fault) {
  std::string why;
  const bool good = parse_fault(text, ring, fault, &why);
  EXPECT_EQ(good, why.empty()) << text;
  return good;
}

TEST(FaultText, ANameAloneIsTheNextTrigger) {
  drm_fakegpu_fault fault;
  ASSERT_TRUE(parse("hang", &fault));
  EXPECT_STREQ(fault.name, "hang");
  EXPECT_EQ(fault.ring, DRM_FAKEGPU_ALL_RINGS);
  EXPECT_EQ(fault.ioctl, DRM_FAKEGPU_ANY_IOCTL);
  EXPECT_EQ(fault.nth, 1u);
  EXPECT_EQ(fault.probability, 0u);
}

TEST(FaultText, TakesEveryKey) {
  drm_fakegpu_fault fault;
  ASSERT_TRUE(parse("slow-packet,ring=2,probability=0.25,seed=9,duration=1500,for=3s", &fault));
  EXPECT_STREQ(fault.name, "slow-packet");
  EXPECT_EQ(fault.ring, 2u);
  EXPECT_EQ(fault.nth, 0u);
  EXPECT_EQ(fault.probability, 1u << 30);
  EXPECT_EQ(fault.seed, 9u);
  EXPECT_EQ(fault.duration_ns, 1500u);
  EXPECT_EQ(fault.for_ns, 3'000'000'000u);
  ASSERT_TRUE(parse("x,nth=7,ring=sdma1,duration=20us,errno=ENOSPC,ioctl=SUBMIT", &fault));
  EXPECT_EQ(fault.nth, 7u);
  EXPECT_EQ(fault.ring, 6u);
  EXPECT_EQ(fault.duration_ns, 20'000u);
  EXPECT_EQ(fault.error, uint32_t{ENOSPC});
  EXPECT_EQ(fault.ioctl, _IOC_NR(DRM_IOCTL_FAKEGPU_SUBMIT));
}

TEST(FaultText, AnIoctlHasThreeNames) {
  for (const char* name : {"BO_CREATE", "FAKEGPU_BO_CREATE", "DRM_IOCTL_FAKEGPU_BO_CREATE"}) {
    drm_fakegpu_fault fault;
    ASSERT_TRUE(parse(std::string("x,ioctl=") + name, &fault)) << name;
    EXPECT_EQ(fault.ioctl, _IOC_NR(DRM_IOCTL_FAKEGPU_BO_CREATE));
  }
}

TEST(FaultText, ASmallChanceIsNotNoneAndOneIsAlways) {
  drm_fakegpu_fault fault;
  ASSERT_TRUE(parse("hang,probability=1e-30", &fault));
  EXPECT_EQ(fault.probability, 1u);
  ASSERT_TRUE(parse("hang,probability=1", &fault));
  EXPECT_EQ(fault.probability, 1ull << 32);
}

TEST(FaultText, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"",
                           ",nth=1",
                           "hang,",
                           "hang,nth",
                           "hang,nth=",
                           "hang,nth=x",
                           "hang,nth=1x",
                           "hang,nth=-1",
                           "hang,nth=0",
                           "hang,ring=-1",
                           "hang,ring=sdma9",
                           "hang,ring=4294967295",
                           "hang,duration=-1",
                           "hang,duration=0",
                           "hang,duration=5min",
                           "hang,for=s",
                           "hang,for=9223372037s",
                           "hang,colour=red",
                           "hang,nth=1,,seed=2",
                           "hang,probability=0",
                           "hang,probability=-0.5",
                           "hang,probability=1.01",
                           "hang,probability=nan",
                           "hang,probability=inf",
                           "hang,errno=0",
                           "hang,errno=134",
                           "hang,errno=EWHAT",
                           "hang,ioctl=NOTHING",
                           "hang,ioctl=SYNC_IOC_MERGE",
                           "a-name-that-is-too-long-for-the-struct-of-the-uapi"}) {
    drm_fakegpu_fault fault;
    EXPECT_FALSE(parse(text, &fault)) << text;
  }
}

TEST(FaultText, IsWrittenAsItIsRead) {
  for (const char* text :
       {"hang,nth=3,ring=sdma1", "x,probability=0.25,seed=3,for=3s", "late,nth=1,duration=1500us",
        "ioctl-error,nth=2,errno=EIO,ioctl=FAKEGPU_SUBMIT"}) {
    drm_fakegpu_fault fault;
    ASSERT_TRUE(parse(text, &fault));
    EXPECT_EQ(fault_text(fault, "sdma1"), text);
  }
}

}  // namespace
}  // namespace fakegpu::ioctl
