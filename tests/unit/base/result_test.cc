// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <gtest/gtest.h>

namespace fakegpu::base {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(EINVAL, "half of {}: odd", value);
  return value / 2;
}

Result<> halve_twice(int& value) {
  FAKEGPU_TRY(half(value));
  FAKEGPU_TRY(half(value / 2));
  value /= 4;
  return {};
}

TEST(Result, FailureSaysWhatAndWithWhichValue) {
  const auto result = half(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), EINVAL);
  EXPECT_EQ(result.error().negated(), -EINVAL);
  EXPECT_EQ(result.error().message(), "half of 7: odd");
}

TEST(Result, TryReturnsTheFirstErrorAndElseGoesOn) {
  int value = 6;
  const auto failed = halve_twice(value);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "half of 3: odd");
  EXPECT_EQ(value, 6);
  value = 8;
  EXPECT_TRUE(halve_twice(value));
  EXPECT_EQ(value, 2);
}

TEST(Result, KindFollowsFromTheCodeUnlessGiven) {
  EXPECT_EQ(Error(EINVAL, "").kind(), ErrorKind::kCaller);
  EXPECT_EQ(Error(ENOMEM, "").kind(), ErrorKind::kNoMemory);
  EXPECT_EQ(Error(EMFILE, "").kind(), ErrorKind::kNoMemory);
  EXPECT_EQ(Error(ENODEV, "").kind(), ErrorKind::kDeviceLost);
  EXPECT_EQ(Error(EINVAL, ErrorKind::kBug, "").kind(), ErrorKind::kBug);
}

TEST(Result, SystemCallFailureNamesTheErrno) {
  errno = ENOENT;
  const Error error = fail_errno("open firmware").value();
  EXPECT_EQ(error.code(), ENOENT);
  EXPECT_EQ(error.message(), "open firmware: No such file or directory");
  errno = 4000;
  EXPECT_EQ(fail_errno("x").value().message(), "x: unknown error");
}

}  // namespace
}  // namespace fakegpu::base
