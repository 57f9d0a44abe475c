// SPDX-License-Identifier: MIT
#include "kernel.h"
#include "kernels/list.h"
#include "packets/kernels.h"

namespace fakegpu::hw {

const Kernel* find_kernel(uint32_t id) {
  using packets::kernels::Id;
  switch (static_cast<Id>(id)) {
    case Id::kFill:
      return &kernels::fill();
    case Id::kCopy:
      return &kernels::copy();
    case Id::kSaxpy:
      return &kernels::saxpy();
    case Id::kSgemm:
      return &kernels::sgemm();
    case Id::kBoxBlur:
      return &kernels::box_blur();
    case Id::kSobel:
      return &kernels::sobel();
    case Id::kHistogram:
      return &kernels::histogram();
    case Id::kMandelbrot:
      return &kernels::mandelbrot();
    case Id::kInvert:
      return &kernels::invert();
    case Id::kReduceSum:
      return &kernels::reduce_sum();
  }
  return nullptr;
}

}  // namespace fakegpu::hw
