// SPDX-License-Identifier: MIT
/**
 * \file kernels.h
 * The built-in compute kernels: ids and argument structs for fakegpu_cmd_dispatch(). What each
 * computes, exactly, and its limits: packets/kernels.h. Padding must be 0. Addresses are GPU
 * virtual and 4-byte aligned, `fakegpu_kernel_reduce_sum.dst` 8-byte.
 *
 * Linear kernels (fill, copy, saxpy, reduce_sum): workgroup x works on 1024 elements. Image
 * kernels: workgroup (x, y) works on a tile of 64 by 16 pixels. sgemm: on 16 by 16 elements of C.
 */
#ifndef FAKEGPU_KERNELS_H
#define FAKEGPU_KERNELS_H

#include <stdint.h>

#define FAKEGPU_KERNEL_FILL 1
#define FAKEGPU_KERNEL_COPY 2
#define FAKEGPU_KERNEL_SAXPY 3
#define FAKEGPU_KERNEL_SGEMM 4
#define FAKEGPU_KERNEL_BOX_BLUR 5
#define FAKEGPU_KERNEL_SOBEL 6
#define FAKEGPU_KERNEL_HISTOGRAM 7
#define FAKEGPU_KERNEL_MANDELBROT 8
#define FAKEGPU_KERNEL_INVERT 9
#define FAKEGPU_KERNEL_REDUCE_SUM 10

#define FAKEGPU_GROUP_ELEMENTS 1024
#define FAKEGPU_TILE_WIDTH 64
#define FAKEGPU_TILE_HEIGHT 16
#define FAKEGPU_GEMM_TILE 16

/** RGBA8888, bytes R, G, B, A. Width and height: 1 to 16384 pixels. */
struct fakegpu_image {
  uint64_t address;
  uint32_t width;
  uint32_t height;
  uint32_t stride_bytes; /**< row to row: a multiple of 4, >= width * 4 */
  uint32_t pad;
};

/** dst[i] = value for i < count dwords. */
struct fakegpu_kernel_fill {
  uint64_t dst;
  uint64_t count;
  uint32_t value;
  uint32_t pad;
};

/** dst[i] = src[i] for i < count dwords. */
struct fakegpu_kernel_copy {
  uint64_t src;
  uint64_t dst;
  uint64_t count;
};

/** y[i] = a * x[i] + y[i] for i < count floats. */
struct fakegpu_kernel_saxpy {
  uint64_t x;
  uint64_t y;
  uint64_t count;
  float a;
  uint32_t pad;
};

/** C = alpha * A * B + beta * C, row-major; A is m by k, B k by n, C m by n; ld*: elements per row.
 */
struct fakegpu_kernel_sgemm {
  uint64_t a;
  uint64_t b;
  uint64_t c;
  uint32_t m;
  uint32_t n;
  uint32_t k;
  uint32_t lda;
  uint32_t ldb;
  uint32_t ldc;
  float alpha;
  float beta;
};

/** The mean of the (2 * radius + 1)^2 pixels around each, radius 0 to 16, edges clamped. */
struct fakegpu_kernel_box_blur {
  struct fakegpu_image src;
  struct fakegpu_image dst;
  uint32_t radius;
  uint32_t pad;
};

/** Edge strength of the luma, as grey. */
struct fakegpu_kernel_sobel {
  struct fakegpu_image src;
  struct fakegpu_image dst;
};

/** bins[channel * 256 + value] += 1 for every pixel and channel; the 1024 dwords are not cleared
 * first. */
struct fakegpu_kernel_histogram {
  struct fakegpu_image src;
  uint64_t bins;
};

/** left, top, step: fixed point with 28 fraction bits; max_iterations: 1 to 4096. */
struct fakegpu_kernel_mandelbrot {
  struct fakegpu_image dst;
  int32_t left;
  int32_t top;
  int32_t step;
  uint32_t max_iterations;
};

/** R, G, B = 255 - R, G, B; dst may be src. */
struct fakegpu_kernel_invert {
  struct fakegpu_image src;
  struct fakegpu_image dst;
};

/** *dst (uint64_t, not cleared first) += the sum of src[i] for i < count dwords. */
struct fakegpu_kernel_reduce_sum {
  uint64_t src;
  uint64_t count;
  uint64_t dst;
};

#endif
