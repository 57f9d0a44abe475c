// SPDX-License-Identifier: MIT
#include "descriptor_limit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {
namespace {

TEST(DescriptorLimit, IsRaisedToTheHardOneAndNoFurther) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  constexpr rlim_t kLow = 64;
  const rlimit low{kLow, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const base::UniqueFd any(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_LT(::fcntl(any.get(), F_DUPFD_CLOEXEC, kLow), 0);

  const auto raised = raise_descriptor_limit();
  rlimit after;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  ASSERT_TRUE(raised) << raised.error().message();
  EXPECT_EQ(*raised, before.rlim_max);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
  const base::UniqueFd high(::fcntl(any.get(), F_DUPFD_CLOEXEC, kLow));
  EXPECT_GE(high.get(), static_cast<int>(kLow));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
