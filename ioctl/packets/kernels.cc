// SPDX-License-Identifier: MIT
#include "packets/kernels.h"

#include <iterator>

#include "packets/registers.h"

namespace fakegpu::packets {
namespace kernels {
namespace {

constexpr Info linear(Id id, std::string_view name, uint32_t argument_bytes) {
  return {id, name, argument_bytes, kLinearGroup, 1};
}
constexpr Info image(Id id, std::string_view name, uint32_t argument_bytes) {
  return {id, name, argument_bytes, kTileWidth, kTileHeight};
}

// In the order of their ids, which start at 1.
constexpr Info kKernels[] = {
    linear(Id::kFill, "fill", sizeof(Fill)),
    linear(Id::kCopy, "copy", sizeof(Copy)),
    linear(Id::kSaxpy, "saxpy", sizeof(Saxpy)),
    {Id::kSgemm, "sgemm", sizeof(Sgemm), kGemmTile, kGemmTile},
    image(Id::kBoxBlur, "box_blur", sizeof(BoxBlur)),
    image(Id::kSobel, "sobel", sizeof(Sobel)),
    image(Id::kHistogram, "histogram", sizeof(Histogram)),
    image(Id::kMandelbrot, "mandelbrot", sizeof(Mandelbrot)),
    image(Id::kInvert, "invert", sizeof(Invert)),
    linear(Id::kReduceSum, "reduce_sum", sizeof(ReduceSum)),
};

}  // namespace

const Info* find(uint32_t id) {
  return id >= 1 && id <= std::size(kKernels) ? &kKernels[id - 1] : nullptr;
}

const Info* find(std::string_view name) {
  for (const Info& info : kKernels)
    if (info.name == name) return &info;
  return nullptr;
}

}  // namespace kernels

std::string_view sh::name(uint32_t offset) {
  switch (offset) {
    case kComputeNumThreadX:
      return "COMPUTE_NUM_THREAD_X";
    case kComputeNumThreadY:
      return "COMPUTE_NUM_THREAD_Y";
    case kComputeNumThreadZ:
      return "COMPUTE_NUM_THREAD_Z";
    case kComputePgmLo:
      return "COMPUTE_PGM_LO";
    case kComputePgmHi:
      return "COMPUTE_PGM_HI";
    case kComputeUserData0:
      return "COMPUTE_USER_DATA_0";
    case kComputeUserData1:
      return "COMPUTE_USER_DATA_1";
  }
  return {};
}

}  // namespace fakegpu::packets
