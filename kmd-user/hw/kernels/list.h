// SPDX-License-Identifier: MIT
// One accessor per built-in kernel, each defined in the file of that name.
#pragma once

#include "kernel.h"

namespace fakegpu::hw::kernels {

const Kernel& box_blur();
const Kernel& copy();
const Kernel& fill();
const Kernel& histogram();
const Kernel& invert();
const Kernel& mandelbrot();
const Kernel& reduce_sum();
const Kernel& saxpy();
const Kernel& sgemm();
const Kernel& sobel();

}  // namespace fakegpu::hw::kernels
