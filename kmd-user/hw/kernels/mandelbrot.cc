// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/image.h"

namespace fakegpu::hw::kernels {
namespace {

class Mandelbrot final : public Builtin<args::Mandelbrot> {
 public:
  Mandelbrot() : Builtin(args::Id::kMandelbrot, 16) {}

 protected:
  bool valid(const args::Mandelbrot& a) const override {
    if (!valid_image(a.dst) || a.step < 0 || a.max_iterations < 1 || a.max_iterations > 4096)
      return false;
    const int64_t right = a.left + int64_t{a.dst.width - 1} * a.step;
    const int64_t bottom = a.top + int64_t{a.dst.height - 1} * a.step;
    return a.left >= -kFour && right <= kFour && a.top >= -kFour && bottom <= kFour;
  }

  bool run_group(const args::Mandelbrot& a, const Grid& group,
                 VirtualMemory& memory) const override {
    const Tile tile = tile_of(group, a.dst);
    std::array<Pixel, args::kTileWidth> buffer;
    const auto row = std::span(buffer).first(tile.width);
    for (uint32_t y = tile.y; y < tile.y + tile.height; ++y) {
      const int64_t cy = a.top + int64_t{y} * a.step;
      for (uint32_t i = 0; i < tile.width; ++i) {
        const int64_t cx = a.left + int64_t{tile.x + i} * a.step;
        row[i] = color(iterations(cx, cy, a.max_iterations), a.max_iterations);
      }
      if (!write_pixels(memory, a.dst, tile.x, y, row)) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kFour = int64_t{4} << 28;

  // |x| and |y| are at most 2^31 while |cx| and |cy| are at most 4.0, so no product overflows.
  static uint32_t iterations(int64_t cx, int64_t cy, uint32_t limit) {
    int64_t x = 0;
    int64_t y = 0;
    uint32_t n = 0;
    for (; n < limit; ++n) {
      const int64_t xx = (x * x) >> 28;
      const int64_t yy = (y * y) >> 28;
      if (xx + yy > kFour) break;
      y = ((x * y) >> 27) + cy;
      x = xx - yy + cx;
    }
    return n;
  }

  static Pixel color(uint32_t n, uint32_t limit) {
    if (n == limit) return {0, 0, 0, 255};
    const auto triangle = [](uint32_t v) {
      const uint32_t u = v & 511;
      return static_cast<uint8_t>(u < 256 ? u : 511 - u);
    };
    return {triangle(8 * n), triangle(4 * n + 128), triangle(2 * n + 256), 255};
  }
};

}  // namespace

const Kernel& mandelbrot() {
  static const Mandelbrot kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
