// SPDX-License-Identifier: MIT
// The kernels once more, as packets/kernels.h words them: whole problems, one element at a time,
// and nothing shared with the implementation.
#pragma once

#include "fake_memory.h"
#include "packets/kernels.h"

namespace fakegpu::hw::test {

namespace args = packets::kernels;

void reference(const args::Fill& a, FakeMemory& memory);
void reference(const args::Copy& a, FakeMemory& memory);
void reference(const args::Saxpy& a, FakeMemory& memory);
void reference(const args::Sgemm& a, FakeMemory& memory);
void reference(const args::BoxBlur& a, FakeMemory& memory);
void reference(const args::Sobel& a, FakeMemory& memory);
void reference(const args::Histogram& a, FakeMemory& memory);
void reference(const args::Mandelbrot& a, FakeMemory& memory);
void reference(const args::Invert& a, FakeMemory& memory);
void reference(const args::ReduceSum& a, FakeMemory& memory);

}  // namespace fakegpu::hw::test
