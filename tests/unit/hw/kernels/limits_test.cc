// SPDX-License-Identifier: MIT
// Every limit that packets/kernels.h states: the last value inside is taken, the first outside
// refused.
#include <gtest/gtest.h>

#include "harness.h"

namespace fakegpu::hw::test {
namespace {

constexpr auto kOk = KernelResult::kOk;
constexpr auto kBad = KernelResult::kBadArguments;

// The result of check() after `change` to valid arguments.
template <typename Args, typename Change>
KernelResult changed(args::Id id, Args a, Change change) {
  change(a);
  return check(id, a);
}

#define EXPECT_CHANGED(result, id, valid, change) \
  EXPECT_EQ(changed(id, valid, [](auto& a) { change; }), result) << #change

TEST(Limits, Fill) {
  constexpr auto kId = args::Id::kFill;
  const args::Fill valid{0x1000, 10, 7, 0};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kOk, kId, valid, a.count = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.pad = 1);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = 0x1002);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = UINT64_MAX - 3);
  EXPECT_CHANGED(kBad, kId, valid, a.count = UINT64_MAX);
  EXPECT_CHANGED(kBad, kId, valid, a.count = UINT64_MAX / 4 - 0x3ff);
  EXPECT_CHANGED(kOk, kId, valid, a.count = UINT64_MAX / 4 - 0x400);
  // 4 * count wraps to something small.
  EXPECT_CHANGED(kBad, kId, valid, a.count = (1ull << 62) + 1);
}

TEST(Limits, Copy) {
  constexpr auto kId = args::Id::kCopy;
  const args::Copy valid{0x1000, 0x2000, 10};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kOk, kId, valid, a.count = 0);
  EXPECT_CHANGED(kOk, kId, valid, a.dst = a.src);
  EXPECT_CHANGED(kBad, kId, valid, a.src = 0x1001);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = 0x2002);
  EXPECT_CHANGED(kBad, kId, valid, a.src = 0 - 36ull);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = 0 - 36ull);
  EXPECT_CHANGED(kBad, kId, valid, a.count = (1ull << 62) + 1);
}

TEST(Limits, Saxpy) {
  constexpr auto kId = args::Id::kSaxpy;
  const args::Saxpy valid{0x1000, 0x2000, 10, 1, 0};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kOk, kId, valid, a.count = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.pad = 1);
  EXPECT_CHANGED(kBad, kId, valid, a.x = 0x1001);
  EXPECT_CHANGED(kBad, kId, valid, a.y = 0x2002);
  EXPECT_CHANGED(kBad, kId, valid, a.x = 0 - 36ull);
  EXPECT_CHANGED(kBad, kId, valid, a.y = 0 - 36ull);
  EXPECT_CHANGED(kBad, kId, valid, a.count = (1ull << 62) + 1);
}

TEST(Limits, ReduceSum) {
  constexpr auto kId = args::Id::kReduceSum;
  const args::ReduceSum valid{0x1000, 10, 0x2000};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kOk, kId, valid, a.count = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.src = 0x1002);
  EXPECT_CHANGED(kBad, kId, valid, a.src = 0 - 36ull);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = 0x2004);
  EXPECT_CHANGED(kBad, kId, valid, a.dst = 0 - 8ull);
  EXPECT_CHANGED(kOk, kId, valid, a.dst = 0 - 16ull);
}

TEST(Limits, Sgemm) {
  constexpr auto kId = args::Id::kSgemm;
  const args::Sgemm valid{0x1000, 0x2000, 0x3000, 4, 4, 4, 4, 4, 4, 1, 1};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kBad, kId, valid, a.m = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.n = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.k = 0);
  EXPECT_CHANGED(kOk, kId, valid, a.m = 4096);
  EXPECT_CHANGED(kBad, kId, valid, a.m = 4097);
  EXPECT_CHANGED(kOk, kId, valid, (a.n = 4096, a.ldb = 4096, a.ldc = 4096));
  EXPECT_CHANGED(kBad, kId, valid, (a.n = 4097, a.ldb = 4097, a.ldc = 4097));
  EXPECT_CHANGED(kOk, kId, valid, (a.k = 4096, a.lda = 4096));
  EXPECT_CHANGED(kBad, kId, valid, (a.k = 4097, a.lda = 4097));
  EXPECT_CHANGED(kBad, kId, valid, a.lda = 3);
  EXPECT_CHANGED(kBad, kId, valid, a.ldb = 3);
  EXPECT_CHANGED(kBad, kId, valid, a.ldc = 3);
  EXPECT_CHANGED(kOk, kId, valid, a.lda = a.ldb = a.ldc = 65536);
  EXPECT_CHANGED(kBad, kId, valid, a.lda = 65537);
  EXPECT_CHANGED(kBad, kId, valid, a.ldb = 65537);
  EXPECT_CHANGED(kBad, kId, valid, a.ldc = 65537);
  EXPECT_CHANGED(kBad, kId, valid, a.a = 0x1002);
  EXPECT_CHANGED(kBad, kId, valid, a.b = 0x2002);
  EXPECT_CHANGED(kBad, kId, valid, a.c = 0x3002);
  EXPECT_CHANGED(kBad, kId, valid, a.a = 0 - 64ull);
  EXPECT_CHANGED(kOk, kId, valid, a.a = 0 - 68ull);
  EXPECT_CHANGED(kBad, kId, valid, a.b = 0 - 64ull);
  EXPECT_CHANGED(kOk, kId, valid, a.b = 0 - 68ull);
  EXPECT_CHANGED(kBad, kId, valid, a.c = 0 - 64ull);
  EXPECT_CHANGED(kOk, kId, valid, a.c = 0 - 68ull);
}

// The limits of one image of an argument block; `set` puts an image there, with its partner of the
// same size where the kernel has two.
template <typename Set>
void expect_image_limits(args::Id id, Set set) {
  const args::Image valid{0x1000, 10, 10, 40, 0};
  const auto with = [&](auto change) {
    args::Image image = valid;
    change(image);
    return check(id, set(image));
  };
  EXPECT_EQ(with([](auto&) {}), kOk);
  EXPECT_EQ(with([](auto& i) { i.pad = 1; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.address = 0x1002; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.width = 0; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.height = 0; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.width = 11; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.stride_bytes = 0; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.stride_bytes = 36; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.stride_bytes = 42; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.stride_bytes = 44; }), kOk);
  EXPECT_EQ(with([](auto& i) { i.stride_bytes = 0xfffffffc; }), kOk);
  EXPECT_EQ(with([](auto& i) { i.height = args::kMaxImageSide; }), kOk);
  EXPECT_EQ(with([](auto& i) { i.height = args::kMaxImageSide + 1; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.width = args::kMaxImageSide, i.stride_bytes = 4 * i.width; }),
            kOk);
  EXPECT_EQ(with([](auto& i) { i.width = args::kMaxImageSide + 1, i.stride_bytes = 4 * i.width; }),
            kBad);
  EXPECT_EQ(with([](auto& i) { i.width = 0x40000001, i.stride_bytes = 4; }), kBad);
  // The last byte would be at 2^64 or beyond.
  EXPECT_EQ(with([](auto& i) { i.address = 0 - 400ull; }), kBad);
  EXPECT_EQ(with([](auto& i) { i.address = 0 - 404ull; }), kOk);
}

template <typename Args>
void expect_pair_limits(args::Id id, Args a) {
  const auto partner = [](const args::Image& image) {
    return args::Image{1ull << 50, image.width, image.height, args::kMaxImageSide * 8, 0};
  };
  expect_image_limits(id, [&](const args::Image& image) {
    a.src = image;
    a.dst = partner(image);
    return a;
  });
  expect_image_limits(id, [&](const args::Image& image) {
    a.src = partner(image);
    a.dst = image;
    return a;
  });
  a.src = {0x1000, 10, 10, 40, 0};
  a.dst = {0x2000, 9, 10, 40, 0};
  EXPECT_EQ(check(id, a), kBad);
  a.dst = {0x2000, 10, 9, 40, 0};
  EXPECT_EQ(check(id, a), kBad);
}

TEST(Limits, Images) {
  expect_pair_limits(args::Id::kBoxBlur, args::BoxBlur{});
  expect_pair_limits(args::Id::kSobel, args::Sobel{});
  expect_pair_limits(args::Id::kInvert, args::Invert{});
  expect_image_limits(args::Id::kHistogram, [](const args::Image& i) {
    return args::Histogram{i, 1ull << 50};
  });
  expect_image_limits(args::Id::kMandelbrot, [](const args::Image& i) {
    return args::Mandelbrot{i, 0, 0, 1, 10};
  });
}

TEST(Limits, BoxBlur) {
  const args::Image src{0x1000, 10, 10, 40, 0};
  const args::Image dst{0x2000, 10, 10, 40, 0};
  EXPECT_EQ(check(args::Id::kBoxBlur, args::BoxBlur{src, dst, 16, 0}), kOk);
  EXPECT_EQ(check(args::Id::kBoxBlur, args::BoxBlur{src, dst, 17, 0}), kBad);
  EXPECT_EQ(check(args::Id::kBoxBlur, args::BoxBlur{src, dst, UINT32_MAX, 0}), kBad);
  EXPECT_EQ(check(args::Id::kBoxBlur, args::BoxBlur{src, dst, 1, 1}), kBad);
}

TEST(Limits, Histogram) {
  const args::Image src{0x1000, 10, 10, 40, 0};
  EXPECT_EQ(check(args::Id::kHistogram, args::Histogram{src, 0x2002}), kBad);
  EXPECT_EQ(check(args::Id::kHistogram, args::Histogram{src, 0 - 4096ull}), kBad);
  EXPECT_EQ(check(args::Id::kHistogram, args::Histogram{src, 0 - 4100ull}), kOk);
}

TEST(Limits, Mandelbrot) {
  constexpr auto kId = args::Id::kMandelbrot;
  constexpr int32_t kFour = 4 << 28;
  const args::Mandelbrot valid{{0x1000, 9, 5, 36, 0}, -kFour, -kFour, kFour / 4, 4096};
  EXPECT_EQ(check(kId, valid), kOk);
  EXPECT_CHANGED(kBad, kId, valid, a.max_iterations = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.max_iterations = 4097);
  EXPECT_CHANGED(kBad, kId, valid, a.step = -1);
  EXPECT_CHANGED(kBad, kId, valid, a.step = INT32_MAX);
  EXPECT_CHANGED(kBad, kId, valid, a.step = INT32_MIN);
  EXPECT_CHANGED(kBad, kId, valid, a.left -= 1);
  EXPECT_CHANGED(kBad, kId, valid, a.left += 1);
  EXPECT_CHANGED(kBad, kId, valid, a.top -= 1);
  EXPECT_CHANGED(kOk, kId, valid, a.top = 0);
  EXPECT_CHANGED(kBad, kId, valid, a.top = 1);
  EXPECT_CHANGED(kBad, kId, valid, a.left = INT32_MIN);
  EXPECT_CHANGED(kBad, kId, valid, (a.left = INT32_MAX, a.step = 0));
  EXPECT_CHANGED(kBad, kId, valid, (a.top = INT32_MAX, a.step = 0));
  EXPECT_CHANGED(kOk, kId, valid, (a.top = a.left = kFour, a.step = 0));
}

// Against the definition, byte by byte, with rows that interleave in every way.
TEST(Limits, ImagesThatShareAByteOverlap) {
  std::mt19937 random(7);
  int shared = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto draw = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    const uint32_t width = 1 + draw(6), height = 1 + draw(5);
    const args::Image a{0x1000, width, height, 4 * (width + draw(12)), 0};
    const args::Image b{0x1000 - 200 + 4 * draw(100), width, height, 4 * (width + draw(12)), 0};
    std::vector<bool> touched(0x2000);
    bool overlap = false;
    for (const args::Image* image : {&a, &b}) {
      for (uint64_t y = 0; y < height; ++y) {
        for (uint64_t x = 0; x < width * 4; ++x) {
          const uint64_t at = image->address + y * image->stride_bytes + x;
          overlap |= image == &b && touched[at];
          if (image == &a) touched[at] = true;
        }
      }
    }
    shared += overlap;
    const auto expected = overlap ? kBad : kOk;
    EXPECT_EQ(check(args::Id::kBoxBlur, args::BoxBlur{a, b, 1, 0}), expected);
    EXPECT_EQ(check(args::Id::kSobel, args::Sobel{a, b}), expected);
    const bool same = a.address == b.address && a.stride_bytes == b.stride_bytes;
    EXPECT_EQ(check(args::Id::kInvert, args::Invert{a, b}), same ? kOk : expected);
  }
  EXPECT_GT(shared, 2000);
  EXPECT_LT(shared, 18000);
}

}  // namespace
}  // namespace fakegpu::hw::test
