// SPDX-License-Identifier: MIT
// What takes several packets: copies and fills of any size, and a whole dispatch.
#include <algorithm>
#include <cstring>

#include "cmdbuf.h"
#include "packets/kernels.h"
#include "packets/pm4.h"
#include "packets/registers.h"
#include "packets/sdma.h"

using namespace fakegpu::umd;
namespace kernels = fakegpu::packets::kernels;
namespace pm4 = fakegpu::packets::pm4;
namespace sdma = fakegpu::packets::sdma;
namespace sh = fakegpu::packets::sh;

// The structs of fakegpu/kernels.h are those of packets/kernels.h in C.
static_assert(sizeof(fakegpu_image) == sizeof(kernels::Image));
static_assert(sizeof(fakegpu_kernel_fill) == sizeof(kernels::Fill));
static_assert(sizeof(fakegpu_kernel_copy) == sizeof(kernels::Copy));
static_assert(sizeof(fakegpu_kernel_saxpy) == sizeof(kernels::Saxpy));
static_assert(sizeof(fakegpu_kernel_sgemm) == sizeof(kernels::Sgemm) &&
              offsetof(fakegpu_kernel_sgemm, alpha) == offsetof(kernels::Sgemm, alpha));
static_assert(sizeof(fakegpu_kernel_box_blur) == sizeof(kernels::BoxBlur));
static_assert(sizeof(fakegpu_kernel_sobel) == sizeof(kernels::Sobel));
static_assert(sizeof(fakegpu_kernel_histogram) == sizeof(kernels::Histogram));
static_assert(sizeof(fakegpu_kernel_mandelbrot) == sizeof(kernels::Mandelbrot) &&
              offsetof(fakegpu_kernel_mandelbrot, max_iterations) ==
                  offsetof(kernels::Mandelbrot, max_iterations));
static_assert(sizeof(fakegpu_kernel_invert) == sizeof(kernels::Invert));
static_assert(sizeof(fakegpu_kernel_reduce_sum) == sizeof(kernels::ReduceSum));
static_assert(FAKEGPU_KERNEL_FILL == static_cast<int>(kernels::Id::kFill) &&
              FAKEGPU_KERNEL_COPY == static_cast<int>(kernels::Id::kCopy) &&
              FAKEGPU_KERNEL_SAXPY == static_cast<int>(kernels::Id::kSaxpy) &&
              FAKEGPU_KERNEL_SGEMM == static_cast<int>(kernels::Id::kSgemm) &&
              FAKEGPU_KERNEL_BOX_BLUR == static_cast<int>(kernels::Id::kBoxBlur) &&
              FAKEGPU_KERNEL_SOBEL == static_cast<int>(kernels::Id::kSobel) &&
              FAKEGPU_KERNEL_HISTOGRAM == static_cast<int>(kernels::Id::kHistogram) &&
              FAKEGPU_KERNEL_MANDELBROT == static_cast<int>(kernels::Id::kMandelbrot) &&
              FAKEGPU_KERNEL_INVERT == static_cast<int>(kernels::Id::kInvert) &&
              FAKEGPU_KERNEL_REDUCE_SUM == static_cast<int>(kernels::Id::kReduceSum));
static_assert(FAKEGPU_GROUP_ELEMENTS == kernels::kLinearGroup &&
              FAKEGPU_TILE_WIDTH == kernels::kTileWidth &&
              FAKEGPU_TILE_HEIGHT == kernels::kTileHeight &&
              FAKEGPU_GEMM_TILE == kernels::kGemmTile);

namespace {

// The largest DMA_DATA that keeps the next one aligned.
constexpr uint64_t kDmaBytes = pm4::DmaData::kMaxBytes & ~uint32_t{4095};

// Calls add(offset, bytes) for every part, until one fails. A failure takes the earlier parts back.
template <typename F>
int in_parts(fakegpu_cmdbuf* cb, uint64_t size, uint64_t part, F&& add) {
  const size_t start = cb->words.size();
  for (uint64_t at = 0; at < size; at += part) {
    const int result = add(at, static_cast<uint32_t>(std::min(part, size - at)));
    if (result == 0) continue;
    cb->words.resize(start);
    return result;
  }
  return cb->error;
}

// A size whose last byte is past the 48-bit address space would be cut into a great many packets
// before one is refused.
bool fits(uint64_t va, uint64_t size) {
  constexpr uint64_t kEnd = fakegpu::packets::kAddressMask + 1;
  return va < kEnd && size <= kEnd - va;
}

}  // namespace

extern "C" {

int fakegpu_cmd_copy(struct fakegpu_cmdbuf* cb, uint64_t dst_va, uint64_t src_va,
                     uint64_t size_bytes) {
  if (cb->error != 0) return cb->error;
  if (!fits(dst_va, size_bytes) || !fits(src_va, size_bytes)) return cb->fail(-EINVAL);
  if (cb->sdma)
    return in_parts(cb, size_bytes, sdma::CopyLinear::kMaxBytes, [&](uint64_t at, uint32_t bytes) {
      return append(
          cb, Engine::kSdma,
          sdma::CopyLinear{.source = src_va + at, .destination = dst_va + at, .bytes = bytes});
    });
  return in_parts(cb, size_bytes, kDmaBytes, [&](uint64_t at, uint32_t bytes) {
    return append(
        cb, Engine::kPm4,
        pm4::DmaData{
            .sync = true, .source_address = src_va + at, .address = dst_va + at, .bytes = bytes});
  });
}

int fakegpu_cmd_fill(struct fakegpu_cmdbuf* cb, uint64_t dst_va, uint32_t value,
                     uint64_t size_bytes) {
  if (cb->error != 0) return cb->error;
  if (!fits(dst_va, size_bytes)) return cb->fail(-EINVAL);
  if (cb->sdma)
    return in_parts(cb, size_bytes, sdma::ConstFill::kMaxBytes, [&](uint64_t at, uint32_t bytes) {
      return append(cb, Engine::kSdma,
                    sdma::ConstFill{.destination = dst_va + at, .data = value, .bytes = bytes});
    });
  return in_parts(cb, size_bytes, kDmaBytes, [&](uint64_t at, uint32_t bytes) {
    return append(cb, Engine::kPm4,
                  pm4::DmaData{.source = pm4::DmaData::Source::kData,
                               .sync = true,
                               .source_address = value,
                               .address = dst_va + at,
                               .bytes = bytes});
  });
}

int fakegpu_cmd_dispatch(struct fakegpu_cmdbuf* cb, uint32_t kernel, const void* arguments,
                         uint32_t argument_bytes, uint32_t x, uint32_t y, uint32_t z) {
  if (cb->error != 0) return cb->error;
  const kernels::Info* info = kernels::find(kernel);
  if (!info || argument_bytes != info->argument_bytes || cb->sdma) return cb->fail(-EINVAL);
  void* cpu;
  uint64_t va;
  int result = fakegpu_cmdbuf_data(cb, argument_bytes, 8, &cpu, &va);
  if (result != 0) return result;
  std::memcpy(cpu, arguments, argument_bytes);

  const size_t start = cb->words.size();
  const uint32_t program[2] = {kernel, 0};
  const uint32_t user_data[2] = {static_cast<uint32_t>(va), static_cast<uint32_t>(va >> 32)};
  const auto add = [&](const auto& packet) {
    if (result == 0) result = append(cb, Engine::kPm4, packet);
  };
  add(pm4::SetShReg{.offset = sh::kComputePgmLo, .values = program});
  add(pm4::SetShReg{.offset = sh::kComputeUserData0, .values = user_data});
  add(pm4::DispatchDirect{.x = x, .y = y, .z = z});
  add(pm4::EventWrite{});
  if (result != 0) cb->words.resize(start);
  return result;
}

}  // extern "C"
