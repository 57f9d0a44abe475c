// SPDX-License-Identifier: MIT
#include "kernels/image.h"

#include <algorithm>

namespace fakegpu::hw::kernels {
namespace {

constexpr uint64_t row_bytes(const args::Image& image) {
  return uint64_t{image.width} * 4;
}
// From the first byte of the first row to behind the last byte of the last.
constexpr uint64_t extent(const args::Image& image) {
  return uint64_t{image.height - 1} * image.stride_bytes + row_bytes(image);
}
constexpr uint64_t pixel_at(const args::Image& image, uint32_t x, uint32_t y) {
  return image.address + uint64_t{y} * image.stride_bytes + uint64_t{x} * 4;
}

}  // namespace

bool valid_image(const args::Image& image) {
  return image.pad == 0 && image.width >= 1 && image.width <= args::kMaxImageSide &&
         image.height >= 1 && image.height <= args::kMaxImageSide && image.stride_bytes % 4 == 0 &&
         image.stride_bytes >= row_bytes(image) && valid_array(image.address, extent(image), 1, 4);
}

bool same_size(const args::Image& a, const args::Image& b) {
  return a.width == b.width && a.height == b.height;
}

bool overlap(const args::Image& a, const args::Image& b) {
  if (a.address + extent(a) <= b.address || b.address + extent(b) <= a.address) return false;
  for (uint32_t y = 0; y < a.height; ++y) {
    const uint64_t start = pixel_at(a, 0, y);
    const uint64_t end = start + row_bytes(a);
    // The first row of b that ends behind `start`.
    const uint64_t first_end = b.address + row_bytes(b);
    const uint64_t row = start < first_end ? 0 : (start - first_end) / b.stride_bytes + 1;
    if (row < b.height && pixel_at(b, 0, static_cast<uint32_t>(row)) < end) return true;
  }
  return false;
}

Tile tile_of(const Grid& group, const args::Image& image) {
  const uint64_t x = uint64_t{group.x} * args::kTileWidth;
  const uint64_t y = uint64_t{group.y} * args::kTileHeight;
  if (group.z || x >= image.width || y >= image.height) return {};
  Tile tile{static_cast<uint32_t>(x), static_cast<uint32_t>(y)};
  tile.width = std::min(args::kTileWidth, image.width - tile.x);
  tile.height = std::min(args::kTileHeight, image.height - tile.y);
  return tile;
}

bool read_pixels(VirtualMemory& memory, const args::Image& image, uint32_t x, uint32_t y,
                 std::span<Pixel> to) {
  return read_array(memory, pixel_at(image, x, y), to);
}

bool write_pixels(VirtualMemory& memory, const args::Image& image, uint32_t x, uint32_t y,
                  std::span<const Pixel> from) {
  return write_array(memory, pixel_at(image, x, y), from);
}

bool read_clamped(VirtualMemory& memory, const args::Image& image, const Tile& tile,
                  uint32_t border, int64_t y, std::span<Pixel> to) {
  const uint32_t left = std::min(border, tile.x);
  const uint32_t right = std::min(border, image.width - (tile.x + tile.width));
  const auto row = static_cast<uint32_t>(std::clamp<int64_t>(y, 0, image.height - 1));

  const std::span<Pixel> inside = to.subspan(border - left, left + tile.width + right);
  if (!read_pixels(memory, image, tile.x - left, row, inside)) return false;
  std::fill(to.begin(), to.begin() + (border - left), inside.front());
  std::fill(to.end() - (border - right), to.end(), inside.back());
  return true;
}

}  // namespace fakegpu::hw::kernels
