// SPDX-License-Identifier: MIT
// Features that are switched off: GET_CAP says so, and every call that needs one is refused.
#include "drv/features.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ioctl/drm_core.h"
#include "ioctl/table.h"
#include "ioctl/user_memory.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

using drv::kAllFeatures;
using drv::kFeatureDumb;
using drv::kFeaturePrime;
using drv::kFeatureSyncobj;
using drv::kFeatureTimeline;

struct Need {
  std::string_view name;
  uint32_t feature;
};
constexpr Need kNeeds[] = {
    {"DRM_IOCTL_SYNCOBJ_CREATE", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_DESTROY", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_WAIT", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_RESET", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_SIGNAL", kFeatureSyncobj},
    {"DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT", kFeatureTimeline},
    {"DRM_IOCTL_SYNCOBJ_QUERY", kFeatureTimeline},
    {"DRM_IOCTL_SYNCOBJ_TRANSFER", kFeatureTimeline},
    {"DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL", kFeatureTimeline},
    {"DRM_IOCTL_SYNCOBJ_EVENTFD", kFeatureTimeline},
    {"DRM_IOCTL_PRIME_HANDLE_TO_FD", kFeaturePrime},
    {"DRM_IOCTL_PRIME_FD_TO_HANDLE", kFeaturePrime},
    {"DRM_IOCTL_MODE_CREATE_DUMB", kFeatureDumb},
    {"DRM_IOCTL_MODE_MAP_DUMB", kFeatureDumb},
    {"DRM_IOCTL_MODE_DESTROY_DUMB", kFeatureDumb},
};

drv::Options without(uint32_t features) {
  drv::Options options;
  options.features &= ~features;
  return options;
}

constexpr uint32_t word_of(const ioctl::Row& row) {
  return _IOC(row.direction, row.type, row.nr, row.size);
}

class WithoutFeatures : public testing::TestWithParam<uint32_t> {};

TEST_P(WithoutFeatures, TheCallsThatNeedThemAreRefusedFirst) {
  VirtualMachine machine(1, without(GetParam()));
  // A primary node has them all.
  Client client(std::move(*machine.machine().open({}, false)), {});
  size_t refused = 0;
  for (const Need& need : kNeeds) {
    if ((need.feature & GetParam()) == 0) continue;
    const auto row = std::ranges::find(ioctl::table(), need.name, &ioctl::Row::name);
    ASSERT_NE(row, ioctl::table().end()) << need.name;
    // Wrong in every field.
    alignas(8) std::array<std::byte, 256> arg;
    arg.fill(std::byte{0xff});
    EXPECT_EQ(client.call(word_of(*row), arg), -EOPNOTSUPP) << need.name;
    EXPECT_EQ(client.file().plan(word_of(*row), {}, arg).error, -EOPNOTSUPP) << need.name;
    ++refused;
  }
  EXPECT_GT(refused, 0u);
}

TEST_P(WithoutFeatures, TheOtherCallsAreThere) {
  VirtualMachine machine(1, without(GetParam()));
  Client client(machine);
  if ((GetParam() & kFeatureSyncobj) == 0) {
    EXPECT_GT(client.syncobj(), 0u);
  }
  drm_version version = {};
  EXPECT_EQ(client.call(DRM_IOCTL_VERSION, version), 0);
  EXPECT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(packets::Words(8))}}), 0)
      << "without syncobjs a submission needs none";
}

TEST_P(WithoutFeatures, CapabilitiesSayZero) {
  VirtualMachine machine(1, without(GetParam()));
  Client client(machine);
  const std::pair<uint64_t, uint32_t> caps[] = {{DRM_CAP_SYNCOBJ, kFeatureSyncobj},
                                                {DRM_CAP_SYNCOBJ_TIMELINE, kFeatureTimeline},
                                                {DRM_CAP_PRIME, kFeaturePrime},
                                                {DRM_CAP_DUMB_BUFFER, kFeatureDumb}};
  for (const auto& [capability, feature] : caps) {
    drm_get_cap arg = {.capability = capability, .value = 7};
    EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, arg), 0);
    EXPECT_EQ(arg.value == 0, (GetParam() & feature) != 0) << capability;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, WithoutFeatures,
                         testing::Values(kFeatureSyncobj | kFeatureTimeline, kFeatureTimeline,
                                         kFeaturePrime, kFeatureDumb, kAllFeatures));

TEST(WithoutSyncobjs, AnUnreadableStructIsAFaultFirst) {
  VirtualMachine machine(1, without(kAllFeatures));
  Client client(machine);
  ioctl::PlannedMemory nothing;
  EXPECT_EQ(client.file().ioctl({.command = DRM_IOCTL_SYNCOBJ_CREATE, .arg = 64}, nothing, nullptr),
            -EFAULT);
}

TEST(WithoutSyncobjs, ASubmissionTakesNone) {
  VirtualMachine machine(1, without(kFeatureSyncobj | kFeatureTimeline));
  Client client(machine);
  const Client::Submit none = {.context = client.context(), .ibs = {client.ib(packets::Words(8))}};
  Client::Submit in = none;
  in.in = {{.handle = 1}};
  EXPECT_EQ(client.submit(in), -EOPNOTSUPP);
  Client::Submit out = none;
  out.out = {{.handle = 1}};
  EXPECT_EQ(client.submit(out), -EOPNOTSUPP);
}

TEST(WithoutTimelines, ASubmissionTakesNoPoints) {
  VirtualMachine machine(1, without(kFeatureTimeline));
  Client client(machine);
  Client::Submit submit = {.context = client.context(), .ibs = {client.ib(packets::Words(8))}};
  submit.out = {{.handle = client.syncobj()}};
  EXPECT_EQ(client.submit(submit), 0);
  submit.out[0].point = 1;
  EXPECT_EQ(client.submit(submit), -EOPNOTSUPP);
  submit.in.swap(submit.out);
  EXPECT_EQ(client.submit(submit), -EOPNOTSUPP);
}

TEST(FeatureNames, AreAList) {
  EXPECT_EQ(drv::parse_features("prime"), kFeaturePrime);
  EXPECT_EQ(drv::parse_features("timeline,dumb"), kFeatureTimeline | kFeatureDumb);
  EXPECT_EQ(drv::parse_features("prime+dumb"), kFeaturePrime | kFeatureDumb);
  EXPECT_EQ(drv::parse_features("syncobj"), kFeatureSyncobj | kFeatureTimeline)
      << "timelines are nothing without";
  for (const std::string_view wrong : {"", "prime,", ",prime", "Prime", "syncobj,,dumb", "events"})
    EXPECT_FALSE(drv::parse_features(wrong)) << wrong;
}

}  // namespace
}  // namespace fakegpu::tests
