// SPDX-License-Identifier: MIT
// The kernels over images against their reference.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "harness.h"

namespace fakegpu::hw::test {
namespace {

constexpr uint64_t kFar = 0x7000'0000'0000;

// Mostly around the tile's size, where edges meet; sometimes a single row or column.
uint32_t draw_side(uint32_t tile, uint32_t tiles) {
  return *rc::gen::weightedOneOf<uint32_t>({{1, rc::gen::inRange(1u, 4u)},
                                            {1, rc::gen::inRange(tile - 2, tile + 3)},
                                            {2, rc::gen::inRange(1u, tile * tiles)}});
}
args::Image draw_image(uint64_t address, uint32_t width, uint32_t height) {
  return {address, width, height, 4 * (width + *rc::gen::inRange(0u, 9u)), 0};
}
args::Image draw_image(uint64_t address) {
  const uint32_t width = draw_side(64, 3);
  return draw_image(address, width, draw_side(16, 3));
}
Grid draw_tile(const args::Image& image) {
  return {*rc::gen::inRange(0u, image.width / 64 + 2), *rc::gen::inRange(0u, image.height / 16 + 2),
          0};
}
uint64_t extent(const args::Image& image) {
  return uint64_t{image.height - 1} * image.stride_bytes + image.width * 4;
}

FakeMemory two_images(const args::Image& src, const args::Image& dst) {
  FakeMemory memory(draw_cut());
  memory.add(src.address, extent(src), false);
  memory.add(dst.address, extent(dst));
  memory.fill_random(draw_seed());
  return memory;
}

template <typename Args>
void expect_filter(args::Id id, const Args& a) {
  const FakeMemory memory = two_images(a.src, a.dst);
  expect_reference(id, a, memory, groups_of(a.src));
  const Grid group = draw_tile(a.src);
  expect_own_part(id, a, memory, group, part_of(a.dst, group));
}

RC_GTEST_PROP(BoxBlur, MatchesTheReference, ()) {
  args::BoxBlur a{};
  a.radius = *rc::gen::weightedOneOf<uint32_t>(
      {{3, rc::gen::inRange(0u, 4u)}, {1, rc::gen::inRange(0u, 17u)}});
  // The reference takes width * height * radius^2.
  const uint32_t width = draw_side(64, 2);
  const uint32_t height = draw_side(16, 2);
  a.src = draw_image(draw_address(), width, height);
  a.dst = draw_image(kFar + draw_address(), width, height);
  expect_filter(args::Id::kBoxBlur, a);
}

TEST(BoxBlur, RoundsToNearestAtEveryRadiusAndValue) {
  for (uint32_t radius = 0; radius <= 16; ++radius) {
    FakeMemory memory(4096);
    const args::Image src{0x10000, 33, 33, 132, 0};
    const args::Image dst{0x20000, 33, 33, 132, 0};
    memory.add(src.address, extent(src));
    memory.add(dst.address, extent(dst));
    for (const int value : {0, 1, 127, 254, 255}) {
      for (uint64_t i = 0; i < extent(src); ++i)
        memory.put(src.address + i, static_cast<uint8_t>(value));
      const args::BoxBlur a{src, dst, radius, 0};
      EXPECT_EQ(run(args::Id::kBoxBlur, a, memory, groups_of(src)), KernelResult::kOk);
      for (uint64_t i = 0; i < extent(dst); ++i)
        ASSERT_EQ(memory.get<uint8_t>(dst.address + i), value) << radius;
    }
  }
}

RC_GTEST_PROP(Sobel, MatchesTheReference, ()) {
  args::Sobel a{};
  a.src = draw_image(draw_address());
  a.dst = draw_image(kFar + draw_address(), a.src.width, a.src.height);
  expect_filter(args::Id::kSobel, a);
}

RC_GTEST_PROP(Invert, MatchesTheReference, ()) {
  args::Invert a{};
  a.src = draw_image(draw_address());
  a.dst = draw_image(kFar + draw_address(), a.src.width, a.src.height);
  expect_filter(args::Id::kInvert, a);
}

RC_GTEST_PROP(Invert, WorksInPlace, ()) {
  args::Invert a{};
  a.src = a.dst = draw_image(draw_address());
  FakeMemory memory(draw_cut());
  memory.add(a.src.address, extent(a.src));
  memory.fill_random(draw_seed());
  // Twice is nothing, so each group may run once only.
  FakeMemory start = memory;
  expect_reference(args::Id::kInvert, a, start, groups_of(a.src));
  RC_ASSERT(run(args::Id::kInvert, a, memory, groups_of(a.src)) == KernelResult::kOk);
  RC_ASSERT(run(args::Id::kInvert, a, memory, groups_of(a.src)) == KernelResult::kOk);
  RC_ASSERT(memory == start);
}

RC_GTEST_PROP(Invert, WorksOnImagesSideBySideInOneSurface, ()) {
  const uint32_t width = draw_side(64, 2);
  const uint32_t height = draw_side(16, 2);
  const uint64_t base = draw_address();
  const uint32_t stride = 8 * width;
  const args::Invert a{{base, width, height, stride, 0},
                       {base + 4 * width, width, height, stride, 0}};
  FakeMemory memory(draw_cut());
  memory.add(base, uint64_t{stride} * height);
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kInvert, a, memory, groups_of(a.src));
}

RC_GTEST_PROP(Histogram, MatchesTheReference, ()) {
  args::Histogram a{};
  a.src = draw_image(draw_address());
  a.bins = kFar + draw_address();
  FakeMemory memory(draw_word_cut());
  memory.add(a.src.address, extent(a.src), false);
  memory.add(a.bins, 4096);
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kHistogram, a, memory, groups_of(a.src));
}

RC_GTEST_PROP(Histogram, OneGroupCountsItsTile, ()) {
  args::Histogram a{};
  a.src = draw_image(draw_address());
  a.bins = kFar;
  FakeMemory memory(draw_word_cut());
  memory.add(a.src.address, extent(a.src));
  memory.fill_random(draw_seed());
  memory.add(a.bins, 4096);
  const Grid group = draw_tile(a.src);
  RC_ASSERT(run(args::Id::kHistogram, a, memory, std::span(&group, 1)) == KernelResult::kOk);
  uint64_t pixels = 0;
  for (const ByteRange& row : part_of(a.src, group)) pixels += row.bytes / 4;
  for (uint64_t channel = 0; channel < 4; ++channel) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 256; ++i)
      sum += memory.get<uint32_t>(a.bins + 4 * (channel * 256 + i));
    RC_ASSERT(sum == pixels);
  }
}

RC_GTEST_PROP(Mandelbrot, MatchesTheReference, ()) {
  args::Mandelbrot a{};
  a.dst = draw_image(draw_address());
  // Anywhere in the allowed square, from a single point to all of it.
  constexpr int64_t kFour = int64_t{4} << 28;
  const int64_t steps = std::max<int64_t>({1, a.dst.width - 1, a.dst.height - 1});
  a.step = static_cast<int32_t>(*rc::gen::inRange<int64_t>(0, 2 * kFour / steps));
  const auto corner = [&](uint32_t side) {
    const int64_t span = int64_t{side - 1} * a.step;
    return static_cast<int32_t>(*rc::gen::inRange<int64_t>(-kFour, kFour - span + 1));
  };
  a.left = corner(a.dst.width);
  a.top = corner(a.dst.height);
  a.max_iterations = *rc::gen::inRange(1u, 200u);
  FakeMemory memory(draw_cut());
  memory.add(a.dst.address, extent(a.dst));
  memory.fill_random(draw_seed());
  expect_reference(args::Id::kMandelbrot, a, memory, groups_of(a.dst));
  const Grid group = draw_tile(a.dst);
  expect_own_part(args::Id::kMandelbrot, a, memory, group, part_of(a.dst, group));
}

TEST(Mandelbrot, TheWholeSetHasBothInsideAndOutside) {
  const args::Mandelbrot a{{0x10000, 96, 64, 384, 0}, -(2 << 28), -(1 << 28), (3 << 28) / 96, 255};
  FakeMemory memory(4096);
  memory.add(a.dst.address, extent(a.dst));
  FakeMemory expected = memory;
  reference(a, expected);
  ASSERT_EQ(run(args::Id::kMandelbrot, a, memory, groups_of(a.dst)), KernelResult::kOk);
  EXPECT_TRUE(memory == expected);
  const auto pixel = [&](uint64_t x, uint64_t y) {
    return memory.get<uint32_t>(a.dst.address + 384 * y + 4 * x);
  };
  EXPECT_EQ(pixel(64, 32), 0xff000000u);  // the origin
  EXPECT_NE(pixel(0, 0), 0xff000000u);
}

}  // namespace
}  // namespace fakegpu::hw::test
