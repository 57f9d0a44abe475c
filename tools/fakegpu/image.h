// SPDX-License-Identifier: MIT
// Pictures: RGBA8888 in memory, PNG in files, and the CPU's own versions of the GPU's filters to
// hold its results against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fakegpu::tools {

struct Image {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgba;  // rows without gaps

  Image() = default;
  Image(uint32_t w, uint32_t h) : width(w), height(h), rgba(size_t{w} * h * 4) {}
  uint32_t stride() const { return width * 4; }
};

// Both throw std::runtime_error with the path and the reason.
Image read_png(const std::string& path);
void write_png(const std::string& path, const Image& image);

// As packets/kernels.h defines them, written from that definition and nothing else.
Image box_blur(const Image& src, int radius);
Image sobel(const Image& src);
Image mandelbrot(uint32_t width, uint32_t height, int32_t left, int32_t top, int32_t step,
                 uint32_t max_iterations);

}  // namespace fakegpu::tools
