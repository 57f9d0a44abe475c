// SPDX-License-Identifier: MIT
// The built-in compute kernels: their ids (COMPUTE_PGM_LO) and the argument blocks that
// COMPUTE_USER_DATA_0/1 point to. An argument block is 8-byte aligned and read once, when the
// dispatch starts. Padding must be 0; what breaks a limit stated here is a fault of the queue, as
// is an unreachable address. Groups run one after the other, x fastest, then y, then z. A group
// that lies outside of the data does nothing; data that no group covers stays as it is; z and, for
// linear kernels, y other than 0 lie outside.
//
// Linear kernels: group x works on elements [x * 1024, x * 1024 + 1024), one thread each.
// Image kernels: group (x, y) works on the pixels of the tile with corner (x * 64, y * 16).
//
// Everything is exact, so a CPU reference can compare for equality: integers, or IEEE floats where
// each operation rounds by itself (no fused multiply-add, no reassociation).
#pragma once

#include <cstdint>
#include <string_view>

namespace fakegpu::packets::kernels {

enum class Id : uint32_t {
  kFill = 1,
  kCopy = 2,
  kSaxpy = 3,
  kSgemm = 4,
  kBoxBlur = 5,
  kSobel = 6,
  kHistogram = 7,
  kMandelbrot = 8,
  kInvert = 9,
  kReduceSum = 10,
};

inline constexpr uint32_t kLinearGroup = 1024;  // elements
inline constexpr uint32_t kTileWidth = 64;      // pixels
inline constexpr uint32_t kTileHeight = 16;
inline constexpr uint32_t kGemmTile = 16;  // rows and columns of C
inline constexpr uint32_t kMaxImageSide = 16384;

struct Info {
  Id id;
  std::string_view name;  // "box_blur"
  uint32_t argument_bytes;
  uint16_t threads_x;  // of a workgroup; threads_z is 1
  uint16_t threads_y;
};
const Info* find(uint32_t id);  // nullptr: no such kernel
const Info* find(std::string_view name);

// Groups that cover n elements of `per_group`.
constexpr uint64_t groups(uint64_t n, uint64_t per_group) {
  return n / per_group + (n % per_group != 0);
}

// RGBA8888: bytes R, G, B, A in memory order; row y starts at address + y * stride_bytes.
struct Image {
  uint64_t address;       // 4-byte aligned
  uint32_t width;         // 1 to kMaxImageSide
  uint32_t height;        // 1 to kMaxImageSide
  uint32_t stride_bytes;  // a multiple of 4, >= width * 4
  uint32_t pad;
};

// dst[i] = value, for i < count.
struct Fill {
  uint64_t dst;    // dwords, 4-byte aligned
  uint64_t count;  // dwords
  uint32_t value;
  uint32_t pad;
};

// dst[i] = src[i], for i < count; each group copies its 1024 dwords as memmove does.
struct Copy {
  uint64_t src;  // dwords, 4-byte aligned
  uint64_t dst;
  uint64_t count;  // dwords
};

// y[i] = (a * x[i]) + y[i], for i < count; binary32.
struct Saxpy {
  uint64_t x;  // 4-byte aligned
  uint64_t y;
  uint64_t count;  // floats
  float a;
  uint32_t pad;
};

// C = alpha * A * B + beta * C; row-major binary32. For each element: s = 0; for l = 0 to k - 1:
// s = s + (A[i][l] * B[l][j]); C[i][j] = (alpha * s) + (beta * C[i][j]), or alpha * s when beta is
// 0: then C is not read. Group (x, y): the 16 by 16 tile of C with its corner at column x * 16, row
// y * 16.
struct Sgemm {
  uint64_t a;  // m rows of k; 4-byte aligned, as b and c
  uint64_t b;  // k rows of n
  uint64_t c;  // m rows of n
  uint32_t m;  // each 1 to 4096
  uint32_t n;
  uint32_t k;
  uint32_t lda;  // elements from row to row, 1 to 65536 and >= k
  uint32_t ldb;  // >= n
  uint32_t ldc;  // >= n
  float alpha;
  float beta;
};

// Each of the four channels by itself: with w = 2 * radius + 1 and s the sum over the w by w pixels
// around, coordinates clamped to the edge: (s + w * w / 2) / (w * w), integer division.
// src and dst have the same width and height and must not overlap.
struct BoxBlur {
  Image src;
  Image dst;
  uint32_t radius;  // 0 to 16
  uint32_t pad;
};

// Luma Y = (77 * R + 150 * G + 29 * B + 128) >> 8, coordinates clamped to the edge. With Y(dx, dy)
// around the pixel:
//   gx = Y(1,-1) + 2 * Y(1,0) + Y(1,1) - Y(-1,-1) - 2 * Y(-1,0) - Y(-1,1)
//   gy = Y(-1,1) + 2 * Y(0,1) + Y(1,1) - Y(-1,-1) - 2 * Y(0,-1) - Y(1,-1)
// R = G = B = min(255, |gx| + |gy|); A is the source pixel's. Same size, must not overlap.
struct Sobel {
  Image src;
  Image dst;
};

// bins[channel * 256 + value] += 1 for each channel (R, G, B, A) of each pixel, modulo 2^32. The
// bins are not cleared first.
struct Histogram {
  Image src;
  uint64_t bins;  // 1024 dwords, 4-byte aligned
};

// Fixed point with 28 fraction bits, in 64-bit integers; >> is arithmetic. For pixel (px, py):
//   cx = left + px * step;  cy = top + py * step;  x = y = 0;  n = 0
//   loop: xx = (x * x) >> 28;  yy = (y * y) >> 28
//         leave if xx + yy > 4 << 28 or n == max_iterations
//         y = ((x * y) >> 27) + cy;  x = xx - yy + cx;  n = n + 1
// n == max_iterations: black (0, 0, 0, 255). Else, with tri(v) = u < 256 ? u : 511 - u where u = v
// & 511:
//   R = tri(8 * n), G = tri(4 * n + 128), B = tri(2 * n + 256), A = 255.
struct Mandelbrot {
  Image dst;
  int32_t left;  // |cx| and |cy| of every pixel must be at most 4 << 28
  int32_t top;
  int32_t step;             // >= 0
  uint32_t max_iterations;  // 1 to 4096
};

// R, G, B = 255 - R, G, B; A stays. Same size; dst may be src.
struct Invert {
  Image src;
  Image dst;
};

// *dst += the sum of src[i] for i < count, modulo 2^64. dst is not cleared first.
struct ReduceSum {
  uint64_t src;    // dwords, 4-byte aligned
  uint64_t count;  // dwords
  uint64_t dst;    // one uint64, 8-byte aligned
};

static_assert(sizeof(Image) == 24 && sizeof(Fill) == 24 && sizeof(Copy) == 24);
static_assert(sizeof(Saxpy) == 32 && sizeof(Sgemm) == 56 && sizeof(BoxBlur) == 56);
static_assert(sizeof(Sobel) == 48 && sizeof(Histogram) == 32 && sizeof(Mandelbrot) == 40);
static_assert(sizeof(Invert) == 48 && sizeof(ReduceSum) == 24);

}  // namespace fakegpu::packets::kernels
