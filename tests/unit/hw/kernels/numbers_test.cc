// SPDX-License-Identifier: MIT
// The kernels over arrays and matrices against their reference.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "harness.h"

namespace fakegpu::hw::test {
namespace {

constexpr uint64_t kFar = 0x7000'0000'0000;

uint64_t draw_count() {
  return *rc::gen::inRange<uint64_t>(0, 4000);
}
Grid draw_linear_group(uint64_t count) {
  return {static_cast<uint32_t>(*rc::gen::inRange<uint64_t>(0, count / 1024 + 2)), 0, 0};
}

// Small values of mixed sign, so that sums round but stay finite.
void put_floats(FakeMemory& memory, uint64_t va, uint64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> values(-3, 3);
  for (uint64_t i = 0; i < count; ++i) memory.put(va + 4 * i, values(random));
}

RC_GTEST_PROP(Fill, MatchesTheReference, ()) {
  const args::Fill a{draw_address(), draw_count(), *rc::gen::arbitrary<uint32_t>(), 0};
  FakeMemory memory(draw_cut());
  memory.add(a.dst, 4 * a.count);
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kFill, a, memory, groups_of(a.count));
  const Grid group = draw_linear_group(a.count);
  expect_own_part(args::Id::kFill, a, memory, group, part_of(a.dst, a.count, group));
}

RC_GTEST_PROP(Copy, MatchesTheReference, ()) {
  const args::Copy a{draw_address(), kFar + draw_address(), draw_count()};
  FakeMemory memory(draw_cut());
  memory.add(a.src, 4 * a.count, false);
  memory.add(a.dst, 4 * a.count);
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kCopy, a, memory, groups_of(a.count));
  const Grid group = draw_linear_group(a.count);
  expect_own_part(args::Id::kCopy, a, memory, group, part_of(a.dst, a.count, group));
}

RC_GTEST_PROP(Copy, OverlapsAsMemmovePerGroup, ()) {
  const uint64_t count = draw_count();
  const uint64_t base = draw_address();
  const args::Copy a{base + 4 * *rc::gen::inRange<uint64_t>(0, 2000),
                     base + 4 * *rc::gen::inRange<uint64_t>(0, 2000), count};
  FakeMemory memory(draw_cut());
  memory.add(base, 4 * (count + 2000));
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kCopy, a, memory, groups_of(a.count), true);
}

RC_GTEST_PROP(Saxpy, MatchesTheReferenceExactly, ()) {
  const float factor = static_cast<float>(*rc::gen::inRange(-1000, 1000)) / 7;
  const args::Saxpy a{draw_address(), kFar + draw_address(), draw_count(), factor, 0};
  FakeMemory memory(draw_cut());
  memory.add(a.x, 4 * a.count);
  memory.add(a.y, 4 * a.count);
  put_floats(memory, a.x, a.count, draw_seed());
  put_floats(memory, a.y, a.count, draw_seed());
  memory.protect(a.x);
  expect_reference(args::Id::kSaxpy, a, memory, groups_of(a.count));
  const Grid group = draw_linear_group(a.count);
  expect_own_part(args::Id::kSaxpy, a, memory, group, part_of(a.y, a.count, group));
}

RC_GTEST_PROP(ReduceSum, MatchesTheReference, ()) {
  const args::ReduceSum a{draw_address(), draw_count(),
                          kFar + 8 * *rc::gen::inRange<uint64_t>(0, 100)};
  FakeMemory memory(draw_word_cut());
  memory.add(a.src, 4 * a.count, false);
  memory.add(a.dst, 8);
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kReduceSum, a, memory, groups_of(a.count));
}

TEST(ReduceSum, AddsToWhatIsThereModulo64Bits) {
  const args::ReduceSum a{0x1000, 2, 0x2000};
  FakeMemory memory(4096);
  memory.add(a.src, 8);
  memory.add(a.dst, 8);
  memory.put<uint32_t>(0x1000, 0xffffffff);
  memory.put<uint32_t>(0x1004, 0xffffffff);
  memory.put<uint64_t>(a.dst, UINT64_MAX - 1);
  EXPECT_EQ(run(args::Id::kReduceSum, a, memory, groups_of(2)), KernelResult::kOk);
  EXPECT_EQ(memory.get<uint64_t>(a.dst), 0x1'ffff'fffcull);
}

args::Sgemm draw_sgemm() {
  args::Sgemm a{};
  a.a = draw_address();
  a.b = kFar + draw_address();
  a.c = 2 * kFar + draw_address();
  a.m = *rc::gen::inRange(1u, 40u);
  a.n = *rc::gen::inRange(1u, 40u);
  a.k = *rc::gen::weightedOneOf<uint32_t>(
      {{4, rc::gen::inRange(1u, 40u)}, {1, rc::gen::inRange(250u, 600u)}});
  a.lda = a.k + *rc::gen::inRange(0u, 5u);
  a.ldb = a.n + *rc::gen::inRange(0u, 5u);
  a.ldc = a.n + *rc::gen::inRange(0u, 5u);
  a.alpha = static_cast<float>(*rc::gen::inRange(-9, 9)) / 7;
  a.beta = static_cast<float>(*rc::gen::inRange(-3, 3)) / 3;
  return a;
}

FakeMemory sgemm_memory(const args::Sgemm& a) {
  FakeMemory memory(draw_cut());
  const auto matrix = [&](uint64_t va, uint64_t rows, uint64_t columns, uint64_t pitch) {
    const uint64_t count = (rows - 1) * pitch + columns;
    memory.add(va, 4 * count);
    put_floats(memory, va, count, draw_seed());
  };
  matrix(a.a, a.m, a.k, a.lda);
  matrix(a.b, a.k, a.n, a.ldb);
  matrix(a.c, a.m, a.n, a.ldc);
  memory.protect(a.a);
  memory.protect(a.b);
  return memory;
}

RC_GTEST_PROP(Sgemm, MatchesTheReferenceExactly, ()) {
  const args::Sgemm a = draw_sgemm();
  const FakeMemory memory = sgemm_memory(a);
  expect_reference(args::Id::kSgemm, a, memory,
                   all_groups(args::groups(a.n, 16), args::groups(a.m, 16)));
}

RC_GTEST_PROP(Sgemm, AGroupWritesItsTileOfC, ()) {
  const args::Sgemm a = draw_sgemm();
  const FakeMemory memory = sgemm_memory(a);
  const Grid group{*rc::gen::inRange(0u, 4u), *rc::gen::inRange(0u, 4u), 0};
  std::vector<ByteRange> part;
  for (uint64_t i = group.y * 16; i < a.m && i < group.y * 16 + 16; ++i) {
    for (uint64_t j = group.x * 16; j < a.n && j < group.x * 16 + 16; ++j)
      part.push_back({a.c + 4 * (i * a.ldc + j), 4});
  }
  expect_own_part(args::Id::kSgemm, a, memory, group, part);
}

TEST(Sgemm, BetaZeroDoesNotLookAtC) {
  const args::Sgemm a{0x1000, 0x2000, 0x3000, 1, 1, 1, 1, 1, 1, 2, -0.0f};
  FakeMemory memory(4096);
  for (const uint64_t va : {a.a, a.b, a.c}) memory.add(va, 4);
  memory.put(a.a, 3.0f);
  memory.put(a.b, 5.0f);
  memory.put(a.c, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(run(args::Id::kSgemm, a, memory, all_groups(1, 1)), KernelResult::kOk);
  EXPECT_EQ(memory.get<float>(a.c), 30.0f);
}

TEST(Saxpy, EachOperationRoundsByItself) {
  // a * a needs more than 24 bits, so a fused multiply-add would leave a remainder here.
  const float v = 1.0f + 0x1p-12f;
  const args::Saxpy a{0x1000, 0x2000, 1, v, 0};
  FakeMemory memory(4096);
  memory.add(a.x, 4);
  memory.add(a.y, 4);
  memory.put(a.x, v);
  memory.put(a.y, -(1.0f + 0x1p-11f));
  EXPECT_EQ(run(args::Id::kSaxpy, a, memory, groups_of(1)), KernelResult::kOk);
  EXPECT_EQ(memory.get<float>(a.y), 0.0f);
}

}  // namespace
}  // namespace fakegpu::hw::test
