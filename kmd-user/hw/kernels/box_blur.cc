// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "kernels/image.h"

namespace fakegpu::hw::kernels {
namespace {

class BoxBlur final : public Builtin<args::BoxBlur> {
 public:
  BoxBlur() : Builtin(args::Id::kBoxBlur, 6) {}

 protected:
  bool valid(const args::BoxBlur& a) const override {
    return a.pad == 0 && a.radius <= kMaxRadius && valid_image(a.src) && valid_image(a.dst) &&
           same_size(a.src, a.dst) && !overlap(a.src, a.dst);
  }

  bool run_group(const args::BoxBlur& a, const Grid& group, VirtualMemory& memory) const override {
    const Tile tile = tile_of(group, a.src);
    if (tile.empty()) return true;
    const uint32_t radius = a.radius;
    const uint32_t window = 2 * radius + 1;

    std::array<RowSums, args::kTileHeight + 2 * kMaxRadius> rows;
    for (uint32_t i = 0; i < tile.height + 2 * radius; ++i) {
      if (!sum_row(a, tile, int64_t{tile.y} + i - radius, rows[i], memory)) return false;
    }

    // Down each column: the sum of the rows in the window, which moves by one row at a time.
    std::array<uint32_t, kChannels> sums{};
    for (uint32_t i = 0; i < window; ++i) add(sums, rows[i]);
    std::array<Pixel, args::kTileWidth> out;
    for (uint32_t y = 0; y < tile.height; ++y) {
      divide(sums, window * window, out);
      if (!write_pixels(memory, a.dst, tile.x, tile.y + y, std::span(out).first(tile.width)))
        return false;
      if (y + 1 == tile.height) break;
      add(sums, rows[y + window]);
      for (size_t i = 0; i < kChannels; ++i) sums[i] -= rows[y][i];
    }
    return true;
  }

 private:
  static constexpr uint32_t kMaxRadius = 16;
  static constexpr size_t kChannels = size_t{args::kTileWidth} * 4;
  using RowSums = std::array<uint16_t, kChannels>;  // at most 33 * 255

  // Along row `y`: for each channel of each pixel of the tile, the sum over the window around it.
  static bool sum_row(const args::BoxBlur& a, const Tile& tile, int64_t y, RowSums& sums,
                      VirtualMemory& memory) {
    std::array<Pixel, args::kTileWidth + 2 * kMaxRadius> buffer;
    const size_t margins = size_t{2} * a.radius;
    const auto pixels = std::span(buffer).first(tile.width + margins);
    if (!read_clamped(memory, a.src, tile, a.radius, y, pixels)) return false;

    std::array<uint16_t, 4> sum{};
    for (size_t i = 0; i < margins; ++i) {
      for (size_t c = 0; c < 4; ++c) sum[c] += pixels[i][c];
    }
    for (size_t x = 0; x < tile.width; ++x) {
      for (size_t c = 0; c < 4; ++c) {
        sum[c] += pixels[x + margins][c];
        sums[x * 4 + c] = sum[c];
        sum[c] -= pixels[x][c];
      }
    }
    std::fill(sums.begin() + size_t{tile.width} * 4, sums.end(), 0);
    return true;
  }

  static void add(std::array<uint32_t, kChannels>& sums, const RowSums& row) {
    for (size_t i = 0; i < kChannels; ++i) sums[i] += row[i];
  }

  // out = (sums + area / 2) / area. Multiplying by the rounded-up reciprocal gives the same
  // quotient: its error is at most area / 2^32 per unit, and a sum times an area stays below 2^32.
  static void divide(const std::array<uint32_t, kChannels>& sums, uint32_t area,
                     std::array<Pixel, args::kTileWidth>& out) {
    assert(area != 0);
    const uint64_t reciprocal = (uint64_t{1} << 32) / area + 1;
    for (size_t i = 0; i < kChannels; ++i) {
      out[i / 4][i % 4] = static_cast<uint8_t>(((sums[i] + area / 2) * reciprocal) >> 32);
    }
  }
};

}  // namespace

const Kernel& box_blur() {
  static const BoxBlur kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
