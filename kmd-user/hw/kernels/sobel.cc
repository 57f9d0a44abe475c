// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "kernels/image.h"

namespace fakegpu::hw::kernels {
namespace {

class Sobel final : public Builtin<args::Sobel> {
 public:
  Sobel() : Builtin(args::Id::kSobel, 3) {}

 protected:
  bool valid(const args::Sobel& a) const override {
    return valid_image(a.src) && valid_image(a.dst) && same_size(a.src, a.dst) &&
           !overlap(a.src, a.dst);
  }

  bool run_group(const args::Sobel& a, const Grid& group, VirtualMemory& memory) const override {
    const Tile tile = tile_of(group, a.src);
    if (tile.empty()) return true;
    // Rows y - 1, y and y + 1, each in the slot of its number modulo 3.
    std::array<Row, 3> rows;
    const auto slot = [&](int64_t y) -> Row& { return rows[static_cast<size_t>((y + 3) % 3)]; };
    const int64_t first = tile.y;
    if (!load(a.src, tile, first - 1, slot(first - 1), memory) ||
        !load(a.src, tile, first, slot(first), memory))
      return false;

    std::array<Pixel, args::kTileWidth> out;
    for (int64_t y = first; y < first + tile.height; ++y) {
      if (!load(a.src, tile, y + 1, slot(y + 1), memory)) return false;
      filter(slot(y - 1), slot(y), slot(y + 1), std::span(out).first(tile.width));
      if (!write_pixels(memory, a.dst, tile.x, static_cast<uint32_t>(y),
                        std::span(out).first(tile.width)))
        return false;
    }
    return true;
  }

 private:
  // One pixel more on each side of the tile.
  struct Row {
    std::array<Pixel, args::kTileWidth + 2> pixels;
    std::array<int, args::kTileWidth + 2> luma;
  };

  static bool load(const args::Image& src, const Tile& tile, int64_t y, Row& row,
                   VirtualMemory& memory) {
    const auto pixels = std::span(row.pixels).first(tile.width + 2);
    if (!read_clamped(memory, src, tile, 1, y, pixels)) return false;
    for (size_t i = 0; i < pixels.size(); ++i) {
      const Pixel& p = pixels[i];
      row.luma[i] = (77 * p[0] + 150 * p[1] + 29 * p[2] + 128) >> 8;
    }
    return true;
  }

  static void filter(const Row& above, const Row& here, const Row& below, std::span<Pixel> out) {
    const auto& t = above.luma;
    const auto& m = here.luma;
    const auto& b = below.luma;
    for (size_t i = 0; i < out.size(); ++i) {
      const int gx = t[i + 2] + 2 * m[i + 2] + b[i + 2] - t[i] - 2 * m[i] - b[i];
      const int gy = b[i] + 2 * b[i + 1] + b[i + 2] - t[i] - 2 * t[i + 1] - t[i + 2];
      const auto edge = static_cast<uint8_t>(std::min(255, std::abs(gx) + std::abs(gy)));
      out[i] = {edge, edge, edge, here.pixels[i + 1][3]};
    }
  }
};

}  // namespace

const Kernel& sobel() {
  static const Sobel kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
