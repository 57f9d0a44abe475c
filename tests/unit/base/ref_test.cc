// SPDX-License-Identifier: MIT
#include "base/ref.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fakegpu::base {
namespace {

struct Base : RefCounted {
  explicit Base(int& alive) : alive_(alive) { ++alive_; }
  ~Base() override { --alive_; }
  int& alive_;
};
struct Derived final : Base {
  using Base::Base;
};

TEST(Ref, NewObjectHasOneReference) {
  int alive = 0;
  {
    Ref<Base> ref = make_ref<Base>(alive);
    EXPECT_EQ(ref->ref_count(), 1u);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Ref, CopiesShareAndMovesDoNot) {
  int alive = 0;
  Ref<Base> a = make_ref<Base>(alive);
  Ref<Base> b = a;
  EXPECT_EQ(a->ref_count(), 2u);
  EXPECT_TRUE(a == b);
  Ref<Base> c = std::move(a);
  EXPECT_EQ(c->ref_count(), 2u);
  EXPECT_FALSE(a);
  b.reset();
  EXPECT_EQ(c->ref_count(), 1u);
  c = nullptr;
  EXPECT_EQ(alive, 0);
}

TEST(Ref, AssignmentReleasesTheOldObject) {
  int first = 0;
  int second = 0;
  Ref<Base> ref = make_ref<Base>(first);
  ref = make_ref<Base>(second);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  Ref<Base>& same = ref;
  ref = same;
  EXPECT_EQ(second, 1);
  EXPECT_EQ(ref->ref_count(), 1u);
}

TEST(Ref, UpcastsByCopyAndByMove) {
  int alive = 0;
  Ref<Derived> derived = make_ref<Derived>(alive);
  Ref<Base> base = derived;
  EXPECT_EQ(base->ref_count(), 2u);
  Ref<Base> moved = std::move(derived);
  EXPECT_FALSE(derived);
  EXPECT_EQ(base->ref_count(), 2u);
  EXPECT_TRUE(base == moved);
}

TEST(Ref, FromRawAddsAndLeakHandsOver) {
  int alive = 0;
  Ref<Base> ref = make_ref<Base>(alive);
  Ref<Base> other(ref.get());
  EXPECT_EQ(ref->ref_count(), 2u);
  Base* raw = other.leak();
  EXPECT_FALSE(other);
  EXPECT_EQ(ref->ref_count(), 2u);
  raw->release();
  EXPECT_EQ(ref->ref_count(), 1u);
  Ref<Base> adopted = Ref<Base>::adopt(ref.leak());
  EXPECT_EQ(adopted->ref_count(), 1u);
}

struct Pooled final : RefCounted {
  explicit Pooled(int& returned) : returned_(returned) {}
  void destroy() const override {
    ++returned_;
    delete this;
  }
  int& returned_;
};

TEST(Ref, LastReleaseCallsDestroy) {
  int returned = 0;
  Ref<Pooled> a = make_ref<Pooled>(returned);
  Ref<Pooled> b = a;
  a.reset();
  EXPECT_EQ(returned, 0);
  b.reset();
  EXPECT_EQ(returned, 1);
}

TEST(Ref, CountsFromSeveralThreads) {
  int alive = 0;
  Ref<Base> ref = make_ref<Base>(alive);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([mine = ref] {
      for (int i = 0; i < 10'000; ++i) Ref<Base> copy = mine;
    });
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  EXPECT_EQ(ref->ref_count(), 1u);
  ref.reset();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace fakegpu::base
