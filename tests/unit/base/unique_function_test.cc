// SPDX-License-Identifier: MIT
#include "base/unique_function.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace fakegpu::base {
namespace {

// Counts how many of it are alive; of any size.
template <size_t kBytes>
struct Counted {
  explicit Counted(int& count) : alive(&count) { ++*alive; }
  Counted(Counted&& other) noexcept : alive(other.alive) { ++*alive; }
  ~Counted() { --*alive; }
  int operator()() const { return static_cast<int>(kBytes); }

  int* alive;
  std::array<char, kBytes> payload{};
};

template <typename T>
class UniqueFunctionOf : public testing::Test {};
using Sizes = testing::Types<Counted<1>, Counted<40>, Counted<41>, Counted<500>>;
TYPED_TEST_SUITE(UniqueFunctionOf, Sizes);

TYPED_TEST(UniqueFunctionOf, HoldsExactlyOneAndDestroysIt) {
  int alive = 0;
  {
    UniqueFunction<int()> function = TypeParam(alive);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(function(), static_cast<int>(sizeof(TypeParam::payload)));
    UniqueFunction<int()> moved = std::move(function);
    EXPECT_FALSE(function);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(moved(), static_cast<int>(sizeof(TypeParam::payload)));
    moved = TypeParam(alive);
    EXPECT_EQ(alive, 1);
    moved = nullptr;
    EXPECT_EQ(alive, 0);
    EXPECT_FALSE(moved);
    moved = TypeParam(alive);
    function = std::move(moved);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(UniqueFunction, EmptyIsFalse) {
  UniqueFunction<void()> a;
  UniqueFunction<void()> b = nullptr;
  EXPECT_FALSE(a);
  EXPECT_FALSE(b);
}

TEST(UniqueFunction, TakesMoveOnlyCapturesAndArguments) {
  UniqueFunction<int(std::unique_ptr<int>)> add =
      [base = std::make_unique<int>(40)](std::unique_ptr<int> more) { return *base + *more; };
  EXPECT_EQ(add(std::make_unique<int>(2)), 42);
}

TEST(UniqueFunction, PassesReferencesThrough) {
  UniqueFunction<int&(int&)> same = [](int& x) -> int& { return ++x; };
  int value = 1;
  EXPECT_EQ(&same(value), &value);
  EXPECT_EQ(value, 2);
}

TEST(UniqueFunction, AVoidSignatureDropsTheResult) {
  int calls = 0;
  UniqueFunction<void()> function = [&] { return ++calls; };
  function();
  EXPECT_EQ(calls, 1);
}

TEST(UniqueFunction, CarriesStateBetweenCalls) {
  UniqueFunction<int()> next = [n = 0]() mutable { return ++n; };
  next();
  EXPECT_EQ(next(), 2);
}

TEST(UniqueFunction, MayBeMovedOutAndDestroyedByItsOwnCall) {
  auto holder = std::make_unique<UniqueFunction<int()>>();
  *holder = [&holder, kept = std::make_shared<int>(5)] {
    auto mine = kept;
    UniqueFunction<int()> self = std::move(*holder);
    holder.reset();
    return *mine;
  };
  UniqueFunction<int()> running = std::move(*holder);
  *holder = [] { return 0; };
  EXPECT_EQ(running(), 5);
  EXPECT_EQ(holder, nullptr);
}

}  // namespace
}  // namespace fakegpu::base
