// SPDX-License-Identifier: MIT
#include "packets/kernels.h"

#include <gtest/gtest.h>

#include "packets/registers.h"

namespace fakegpu::packets {
namespace {

TEST(Kernels, IdsAndNamesFindTheSameKernel) {
  for (uint32_t id = 1; id <= 10; ++id) {
    const kernels::Info* info = kernels::find(id);
    ASSERT_NE(info, nullptr) << id;
    EXPECT_EQ(static_cast<uint32_t>(info->id), id);
    EXPECT_EQ(kernels::find(info->name), info);
    EXPECT_EQ(info->argument_bytes % 8, 0u);
  }
}

TEST(Kernels, OtherIdsAndNamesFindNothing) {
  EXPECT_EQ(kernels::find(0u), nullptr);
  EXPECT_EQ(kernels::find(11u), nullptr);
  EXPECT_EQ(kernels::find(0xffffffffu), nullptr);
  EXPECT_EQ(kernels::find(""), nullptr);
  EXPECT_EQ(kernels::find("Sobel"), nullptr);
}

TEST(Kernels, GroupsCoverEveryElement) {
  EXPECT_EQ(kernels::groups(0, kernels::kLinearGroup), 0u);
  EXPECT_EQ(kernels::groups(1, kernels::kLinearGroup), 1u);
  EXPECT_EQ(kernels::groups(1024, kernels::kLinearGroup), 1u);
  EXPECT_EQ(kernels::groups(1025, kernels::kLinearGroup), 2u);
  EXPECT_EQ(kernels::groups(~uint64_t{0}, 2), uint64_t{1} << 63);
}

TEST(ShRegisters, OffsetsAreAmdgpus) {
  EXPECT_EQ(sh::kBase + sh::kComputeNumThreadX, 0x2e07u);
  EXPECT_EQ(sh::kBase + sh::kComputePgmLo, 0x2e0cu);
  EXPECT_EQ(sh::kBase + sh::kComputeUserData0, 0x2e40u);
  EXPECT_EQ(sh::name(sh::kComputeUserData1), "COMPUTE_USER_DATA_1");
  EXPECT_EQ(sh::name(0), "");
  EXPECT_EQ(sh::name(0xffffffff), "");
}

}  // namespace
}  // namespace fakegpu::packets
