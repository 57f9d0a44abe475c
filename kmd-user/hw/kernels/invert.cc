// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/image.h"

namespace fakegpu::hw::kernels {
namespace {

class Invert final : public Builtin<args::Invert> {
 public:
  Invert() : Builtin(args::Id::kInvert, 1) {}

 protected:
  bool valid(const args::Invert& a) const override {
    if (!valid_image(a.src) || !valid_image(a.dst) || !same_size(a.src, a.dst)) return false;
    const bool in_place =
        a.src.address == a.dst.address && a.src.stride_bytes == a.dst.stride_bytes;
    return in_place || !overlap(a.src, a.dst);
  }

  bool run_group(const args::Invert& a, const Grid& group, VirtualMemory& memory) const override {
    const Tile tile = tile_of(group, a.src);
    std::array<Pixel, args::kTileWidth> buffer;
    const auto row = std::span(buffer).first(tile.width);
    for (uint32_t y = tile.y; y < tile.y + tile.height; ++y) {
      if (!read_pixels(memory, a.src, tile.x, y, row)) return false;
      for (Pixel& pixel : row) {
        for (size_t channel = 0; channel < 3; ++channel) pixel[channel] ^= 0xff;
      }
      if (!write_pixels(memory, a.dst, tile.x, y, row)) return false;
    }
    return true;
  }
};

}  // namespace

const Kernel& invert() {
  static const Invert kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
