// SPDX-License-Identifier: MIT
// DRM core's calls but the syncobjs.
#include <gtest/gtest.h>

#include <cstring>

#include "client.h"

namespace fakegpu::conformance {
namespace {

TEST(Version, TellsLengthsThenTexts) {
  const Client client;
  drm_version arg = {};
  ASSERT_EQ(client.call(DRM_IOCTL_VERSION, arg), 0);
  EXPECT_EQ(arg.version_major, 1);
  EXPECT_EQ(arg.version_minor, 0);
  EXPECT_EQ(arg.name_len, strlen("fakegpu"));
  EXPECT_GT(arg.date_len, 0u);
  EXPECT_GT(arg.desc_len, 0u);

  char name[16];
  char date[64] = {};
  char description[256] = {};
  std::memset(name, '#', sizeof(name));
  arg.name = name;
  arg.name_len = sizeof(name);
  arg.date = date;
  arg.date_len = 4;
  arg.desc = description;
  arg.desc_len = sizeof(description);
  ASSERT_EQ(client.call(DRM_IOCTL_VERSION, arg), 0);
  EXPECT_EQ(std::string(name, 16), "fakegpu#########") << "nothing is written beyond the text";
  EXPECT_EQ(strlen(date), 4u) << "cut to the room there is";
  EXPECT_GT(arg.date_len, 4u);
  EXPECT_EQ(strlen(description), arg.desc_len);
}

TEST(Version, BadTextPointerIsAFault) {
  const Client client;
  for (const uint64_t address : kBadAddresses) {
    drm_version arg = {};
    arg.name_len = 16;
    arg.name = reinterpret_cast<char*>(address);
    EXPECT_EQ(client.call(DRM_IOCTL_VERSION, arg), -EFAULT);
  }
}

TEST(Version, HugeLengthIsHarmless) {
  const Client client;
  char name[kPage] = {};
  drm_version arg = {};
  arg.name = name;
  arg.name_len = SIZE_MAX;
  EXPECT_EQ(client.call(DRM_IOCTL_VERSION, arg), 0);
  EXPECT_STREQ(name, "fakegpu");
}

TEST(GetCap, TellsWhatIsThere) {
  const Client client;
  for (const uint64_t capability : {DRM_CAP_SYNCOBJ, DRM_CAP_SYNCOBJ_TIMELINE,
                                    DRM_CAP_TIMESTAMP_MONOTONIC, DRM_CAP_DUMB_BUFFER}) {
    drm_get_cap arg = {.capability = capability};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, arg), 0);
    EXPECT_EQ(arg.value, 1u) << capability;
  }
  drm_get_cap prime = {.capability = DRM_CAP_PRIME, .value = 7};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, prime), 0);
  EXPECT_EQ(prime.value, uint64_t{DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT});
  for (const uint64_t capability : {uint64_t{DRM_CAP_CURSOR_WIDTH}, uint64_t{0}, UINT64_MAX}) {
    drm_get_cap arg = {.capability = capability, .value = 7};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, arg), -EOPNOTSUPP) << capability;
    EXPECT_EQ(arg.value, 0u);
  }
}

TEST(GemClose, FreesOnce) {
  const Client client;
  drm_gem_close arg = {.handle = client.make_bo()};
  EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, arg), 0);
  EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, arg), -EINVAL);
  for (const uint32_t handle : {0u, kNoHandle, UINT32_MAX}) {
    arg.handle = handle;
    EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, arg), -EINVAL) << handle;
  }
}

TEST(GemClose, LowestFreeHandleComesNext) {
  const Client client;
  EXPECT_EQ(client.make_bo(), 1u);
  EXPECT_EQ(client.make_bo(), 2u);
  EXPECT_EQ(client.make_bo(), 3u);
  drm_gem_close arg = {.handle = 2};
  EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, arg), 0);
  EXPECT_EQ(client.make_bo(), 2u);
  EXPECT_EQ(client.make_bo(), 4u);
}

}  // namespace
}  // namespace fakegpu::conformance
