// SPDX-License-Identifier: MIT
// Images in GPU memory, by tiles and rows of pixels.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {

using Pixel = std::array<uint8_t, 4>;  // R, G, B, A

bool valid_image(const args::Image& image);
bool same_size(const args::Image& a, const args::Image& b);
// Whether any pixel of one has a byte with one of the other in common; images may lie side by side
// in one surface. Both valid.
bool overlap(const args::Image& a, const args::Image& b);

// The pixels that a group works on: [x, x + width) by [y, y + height); empty if it lies outside.
struct Tile {
  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  bool empty() const { return width == 0; }
};
Tile tile_of(const Grid& group, const args::Image& image);

// Pixels from (x, y) to the right, all inside the image.
bool read_pixels(VirtualMemory& memory, const args::Image& image, uint32_t x, uint32_t y,
                 std::span<Pixel> to);
bool write_pixels(VirtualMemory& memory, const args::Image& image, uint32_t x, uint32_t y,
                  std::span<const Pixel> from);

// Row `y` from column `x - border` to `x + width + border` where both coordinates are clamped to
// the edge; `to` has width + 2 * border pixels. `y` is from -border to height - 1 + border.
bool read_clamped(VirtualMemory& memory, const args::Image& image, const Tile& tile,
                  uint32_t border, int64_t y, std::span<Pixel> to);

}  // namespace fakegpu::hw::kernels
