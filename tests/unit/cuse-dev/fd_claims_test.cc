// SPDX-License-Identifier: MIT
#include "fd_claims.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <fmt/format.h>

#include "base/virtual_executor.h"
#include "fake_driver.h"
#include "fd_names.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr uid_t kUser = 1000;
constexpr uid_t kOther = 1001;

class FdClaimsTest : public testing::Test {
 protected:
  FdClaims::Token claim(uid_t uid = kUser) {
    const auto token = claims_.reserve(uid);
    EXPECT_TRUE(token);
    claims_.keep(*token, uid, std::move(*machine_.open({}, true, nullptr)));
    return *token;
  }
  bool timer_is_set() const {
    pollfd wait = {claims_.timer(), POLLIN, 0};
    // The system's clock, by which it is set, has reached what the test's says.
    return ::poll(&wait, 1, 20'000) == 1;
  }

  Behaviour behaviour_;
  FakeMachine machine_{behaviour_};
  base::VirtualExecutor clock_{1};
  FdClaims claims_{clock_};
};

TEST_F(FdClaimsTest, AreRedeemedOnceByTheirUser) {
  const FdClaims::Token token = claim();
  EXPECT_EQ(claims_.redeem(token, kOther), nullptr);
  EXPECT_EQ(claims_.redeem({token[0], token[1] ^ 1}, kUser), nullptr);
  EXPECT_NE(claims_.look(token, kUser), nullptr);
  EXPECT_EQ(claims_.look(token, kOther), nullptr);
  EXPECT_NE(claims_.redeem(token, kUser), nullptr);
  EXPECT_EQ(claims_.redeem(token, kUser), nullptr);
  EXPECT_EQ(machine_.closed, 1);
}

TEST_F(FdClaimsTest, AreClosedAfterTenSeconds) {
  const FdClaims::Token old = claim();
  clock_.run_for(base::kNanosPerSecond);
  const FdClaims::Token young = claim();
  clock_.run_for(FdClaims::kLifetime - base::kNanosPerSecond - 1);
  claims_.expire();
  EXPECT_EQ(machine_.closed, 0);
  clock_.run_for(1);
  EXPECT_EQ(claims_.redeem(old, kUser), nullptr);
  claims_.expire();
  EXPECT_EQ(machine_.closed, 1);
  EXPECT_NE(claims_.redeem(young, kUser), nullptr);
}

TEST_F(FdClaimsTest, TheTimerTellsWhenToLook) {
  claim();
  clock_.run_for(FdClaims::kLifetime - 1);
  // Sets the timer anew, for what is left.
  claims_.expire();
  EXPECT_EQ(claims_.size(), 1u);
  EXPECT_TRUE(timer_is_set());
}

TEST_F(FdClaimsTest, AreBoundedForEachUser) {
  for (size_t i = 0; i < FdClaims::kPerUser; ++i) claim();
  const auto one_more = claims_.reserve(kUser);
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code(), ENFILE);
  const FdClaims::Token others = claim(kOther);
  claims_.redeem(others, kOther);
  EXPECT_FALSE(claims_.reserve(kUser));
  clock_.run_for(FdClaims::kLifetime);
  EXPECT_TRUE(claims_.reserve(kUser));
  EXPECT_EQ(machine_.closed, static_cast<int>(FdClaims::kPerUser) + 1);
}

class FdNamesTest : public FdClaimsTest {
 protected:
  static std::string name_of(const FdClaims::Token& token) {
    return fmt::format("fd-{:016x}{:016x}", token[0], token[1]);
  }
  FdNames names_{claims_};
};

TEST_F(FdNamesTest, OnlyTheExactNameIsOne) {
  EXPECT_EQ(FdNames::parse("fd-0123456789abcdef0000000000000001"),
            (FdClaims::Token{0x0123456789abcdef, 1}));
  for (const char* name :
       {"", "fd-", "fakegpu", "fd-0123456789abcdef000000000000000",
        "fd-0123456789abcdef00000000000000011", "fd-0123456789ABCDEF0000000000000001",
        "fd-0x23456789abcdef0000000000000001", "fd--123456789abcdef0000000000000001"})
    EXPECT_EQ(FdNames::parse(name), std::nullopt) << name;
}

TEST_F(FdNamesTest, AClaimIsOpenedOnceByItsName) {
  const FdClaims::Token token = claim();
  EXPECT_EQ(names_.look_up(name_of(token), kOther, 0, 7), 0u);
  EXPECT_EQ(names_.look_up(name_of(token), kUser, 5, 7), 7u);
  EXPECT_EQ(names_.look_up(name_of(token), kUser, 5, 8), 7u);
  ASSERT_NE(names_.find(7), nullptr);
  EXPECT_EQ(names_.find(7)->uid, kUser);
  EXPECT_EQ(names_.find(7)->gid, 5u);
  EXPECT_EQ(names_.open(7, kOther), nullptr);
  EXPECT_NE(names_.open(7, kUser), nullptr);
  EXPECT_EQ(names_.open(7, kUser), nullptr);
  EXPECT_EQ(names_.look_up(name_of(token), kUser, 5, 8), 0u);
  names_.close(7);
  EXPECT_EQ(names_.find(7), nullptr);
}

TEST_F(FdNamesTest, WhatIsNeverOpenedIsForgottenWithItsClaim) {
  ASSERT_EQ(names_.look_up(name_of(claim()), kUser, 0, 7), 7u);
  clock_.run_for(FdClaims::kLifetime);
  EXPECT_EQ(names_.open(7, kUser), nullptr);
  ASSERT_EQ(names_.look_up(name_of(claim()), kUser, 0, 8), 8u);
  EXPECT_EQ(names_.find(7), nullptr);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
