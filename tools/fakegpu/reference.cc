// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>

#include "image.h"

namespace fakegpu::tools {

namespace {

const uint8_t* pixel(const Image& image, int x, int y) {
  x = std::clamp(x, 0, static_cast<int>(image.width) - 1);
  y = std::clamp(y, 0, static_cast<int>(image.height) - 1);
  return &image.rgba[(static_cast<size_t>(y) * image.width + static_cast<size_t>(x)) * 4];
}

int luma(const Image& image, int x, int y) {
  const uint8_t* p = pixel(image, x, y);
  return (77 * p[0] + 150 * p[1] + 29 * p[2] + 128) >> 8;
}

uint8_t triangle(uint32_t value) {
  const uint32_t u = value & 511;
  return static_cast<uint8_t>(u < 256 ? u : 511 - u);
}

template <typename F>
Image each_pixel(uint32_t width, uint32_t height, F&& compute) {
  Image image(width, height);
  for (uint32_t y = 0; y < height; ++y)
    for (uint32_t x = 0; x < width; ++x)
      compute(static_cast<int>(x), static_cast<int>(y), &image.rgba[(size_t{y} * width + x) * 4]);
  return image;
}

}  // namespace

Image box_blur(const Image& src, int radius) {
  const int side = 2 * radius + 1;
  const int area = side * side;
  return each_pixel(src.width, src.height, [&](int x, int y, uint8_t* out) {
    for (int channel = 0; channel < 4; ++channel) {
      int sum = 0;
      for (int dy = -radius; dy <= radius; ++dy)
        for (int dx = -radius; dx <= radius; ++dx) sum += pixel(src, x + dx, y + dy)[channel];
      out[channel] = static_cast<uint8_t>((sum + area / 2) / area);
    }
  });
}

Image sobel(const Image& src) {
  return each_pixel(src.width, src.height, [&](int x, int y, uint8_t* out) {
    const auto at = [&](int dx, int dy) { return luma(src, x + dx, y + dy); };
    const int gx = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
    const int gy = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
    out[0] = out[1] = out[2] = static_cast<uint8_t>(std::min(255, std::abs(gx) + std::abs(gy)));
    out[3] = pixel(src, x, y)[3];
  });
}

Image mandelbrot(uint32_t width, uint32_t height, int32_t left, int32_t top, int32_t step,
                 uint32_t max_iterations) {
  return each_pixel(width, height, [&](int px, int py, uint8_t* out) {
    const int64_t cx = left + int64_t{px} * step;
    const int64_t cy = top + int64_t{py} * step;
    int64_t x = 0;
    int64_t y = 0;
    uint32_t n = 0;
    while (n < max_iterations) {
      const int64_t xx = (x * x) >> 28;
      const int64_t yy = (y * y) >> 28;
      if (xx + yy > int64_t{4} << 28) break;
      y = ((x * y) >> 27) + cy;
      x = xx - yy + cx;
      ++n;
    }
    out[0] = n == max_iterations ? 0 : triangle(8 * n);
    out[1] = n == max_iterations ? 0 : triangle(4 * n + 128);
    out[2] = n == max_iterations ? 0 : triangle(2 * n + 256);
    out[3] = 255;
  });
}

}  // namespace fakegpu::tools
