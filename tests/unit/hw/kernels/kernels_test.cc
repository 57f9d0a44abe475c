// SPDX-License-Identifier: MIT
// What holds for every kernel: its place in the table, and what a fault does.
#include <gtest/gtest.h>

#include <set>

#include "harness.h"

namespace fakegpu::hw::test {
namespace {

TEST(FindKernel, KnowsExactlyWhatTheUapiLists) {
  for (uint32_t id = 0; id < 64; ++id) {
    const auto* info = args::find(id);
    const Kernel* found = find_kernel(id);
    ASSERT_EQ(found != nullptr, info != nullptr) << id;
    if (!found) continue;
    EXPECT_EQ(found->id(), id);
    EXPECT_EQ(found->name(), info->name);
    EXPECT_EQ(found->argument_bytes(), info->argument_bytes);
    EXPECT_GE(found->weight(), 1u);
  }
  EXPECT_EQ(find_kernel(UINT32_MAX), nullptr);
}

// A valid call of each kernel, whose data are regions of their own: the first `inputs` are only
// read.
constexpr uint64_t kA = 0x100000, kB = 0x200000, kC = 0x300000;

struct Call {
  args::Id id;
  std::vector<std::byte> arguments;
  std::vector<ByteRange> regions;
  size_t inputs;
};

template <typename Args>
Call make_call(args::Id id, const Args& a, std::vector<ByteRange> regions, size_t inputs) {
  const auto bytes = bytes_of(a);
  return {id, {bytes.begin(), bytes.end()}, std::move(regions), inputs};
}

std::vector<Call> calls() {
  constexpr uint64_t kCount = 2000;
  const args::Image src{kA, 100, 40, 400, 0};
  const args::Image dst{kB, 100, 40, 400, 0};
  const ByteRange a{kA, 16000}, b{kB, 16000};
  return {
      make_call(args::Id::kFill, args::Fill{kA, kCount, 7, 0}, {{kA, 8000}}, 0),
      make_call(args::Id::kCopy, args::Copy{kA, kB, kCount}, {{kA, 8000}, {kB, 8000}}, 1),
      make_call(args::Id::kSaxpy, args::Saxpy{kA, kB, kCount, 2, 0}, {{kA, 8000}, {kB, 8000}}, 1),
      make_call(args::Id::kSgemm, args::Sgemm{kA, kB, kC, 40, 30, 20, 20, 30, 30, 1, 1},
                {{kA, 3200}, {kB, 2400}, {kC, 4800}}, 2),
      make_call(args::Id::kBoxBlur, args::BoxBlur{src, dst, 2, 0}, {a, b}, 1),
      make_call(args::Id::kSobel, args::Sobel{src, dst}, {a, b}, 1),
      make_call(args::Id::kHistogram, args::Histogram{src, kB}, {a, {kB, 4096}}, 1),
      make_call(args::Id::kMandelbrot, args::Mandelbrot{src, -1000, -1000, 10, 10}, {a}, 0),
      make_call(args::Id::kInvert, args::Invert{src, dst}, {a, b}, 1),
      make_call(args::Id::kReduceSum, args::ReduceSum{kA, kCount, kB}, {{kA, 8000}, {kB, 8}}, 1),
  };
}

KernelResult run_call(const Call& call, FakeMemory& memory) {
  const Kernel& k = kernel(call.id);
  if (k.check(call.arguments, {4, 4, 1}) != KernelResult::kOk) return KernelResult::kBadArguments;
  for (const Grid& group : all_groups(4, 4)) {
    const KernelResult result = k.run(call.arguments, group, memory);
    if (result != KernelResult::kOk) return result;
  }
  return KernelResult::kOk;
}

FakeMemory memory_of(const Call& call) {
  FakeMemory memory(64);
  for (size_t i = 0; i < call.regions.size(); ++i)
    memory.add(call.regions[i].va, call.regions[i].bytes, i >= call.inputs);
  return memory;
}

TEST(EveryKernel, RunsOverExactlyItsData) {
  ASSERT_EQ(calls().size(), 10u);
  for (const Call& call : calls()) {
    FakeMemory memory = memory_of(call);
    EXPECT_EQ(run_call(call, memory), KernelResult::kOk) << kernel(call.id).name();
    EXPECT_FALSE(memory.fault);
  }
}

TEST(EveryKernel, ReportsAFaultWhenAnyOfItsDataIsUnmapped) {
  for (const Call& call : calls()) {
    for (const ByteRange& region : call.regions) {
      FakeMemory memory = memory_of(call);
      memory.remove(region.va);
      EXPECT_EQ(run_call(call, memory), KernelResult::kFault) << kernel(call.id).name();
      ASSERT_TRUE(memory.fault);
      EXPECT_GE(*memory.fault, region.va);
      EXPECT_LT(*memory.fault, region.va + region.bytes);
    }
  }
}

TEST(EveryKernel, ReportsAFaultWhenTheLastWordIsUnmapped) {
  for (const Call& call : calls()) {
    for (const ByteRange& region : call.regions) {
      FakeMemory memory = memory_of(call);
      const uint64_t word = region.bytes == 8 ? 8 : 4;
      memory.add(region.va, region.bytes - word);
      EXPECT_EQ(run_call(call, memory), KernelResult::kFault) << kernel(call.id).name();
      EXPECT_EQ(memory.fault, region.va + region.bytes - word) << kernel(call.id).name();
    }
  }
}

TEST(EveryKernel, ReportsAFaultWhenAResultIsReadOnly) {
  for (const Call& call : calls()) {
    FakeMemory memory = memory_of(call);
    memory.protect(call.regions.back().va);
    EXPECT_EQ(run_call(call, memory), KernelResult::kFault) << kernel(call.id).name();
  }
}

TEST(EveryKernel, DoesNothingInGroupsOutsideOfItsData) {
  for (const Call& call : calls()) {
    FakeMemory nothing(64);
    for (const Grid& group : {Grid{UINT32_MAX, 0, 0}, Grid{0, UINT32_MAX, 0}, Grid{0, 0, 1},
                              Grid{UINT32_MAX, UINT32_MAX, UINT32_MAX}}) {
      EXPECT_EQ(kernel(call.id).run(call.arguments, group, nothing), KernelResult::kOk)
          << kernel(call.id).name();
    }
    EXPECT_FALSE(nothing.fault);
  }
}

TEST(EveryKernel, RefusesAnArgumentBlockOfAnotherSize) {
  for (const Call& call : calls()) {
    const auto shorter = std::span(call.arguments).first(call.arguments.size() - 1);
    auto longer = call.arguments;
    longer.push_back({});
    for (const std::span<const std::byte> bytes : {shorter, std::span<const std::byte>(longer), {}})
      EXPECT_EQ(kernel(call.id).check(bytes, {1, 1, 1}), KernelResult::kBadArguments)
          << kernel(call.id).name();
  }
}

// Any bytes at all are either refused or keep to what they name: no crash, no overflow.
TEST(EveryKernel, SurvivesRandomArguments) {
  std::mt19937_64 random(1);
  for (const Call& call : calls()) {
    int accepted = 0;
    for (int i = 0; i < 20000; ++i) {
      auto arguments = call.arguments;
      for (int change = 0; change < 2; ++change) {
        const uint64_t value = random() >> (random() % 64);
        const size_t at = random() % arguments.size();
        std::memcpy(&arguments[at], &value, std::min<size_t>(8, arguments.size() - at));
      }
      if (kernel(call.id).check(arguments, {1, 1, 1}) != KernelResult::kOk) continue;
      ++accepted;
      if (accepted > 200) break;
      FakeMemory memory = memory_of(call);
      for (const Grid& group : {Grid{0, 0, 0}, Grid{1, 2, 0}, Grid{UINT32_MAX, UINT32_MAX, 0}})
        kernel(call.id).run(arguments, group, memory);
    }
    EXPECT_GT(accepted, 0) << kernel(call.id).name();
  }
}

}  // namespace
}  // namespace fakegpu::hw::test
