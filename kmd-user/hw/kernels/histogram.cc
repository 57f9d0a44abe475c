// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/image.h"

namespace fakegpu::hw::kernels {
namespace {

class Histogram final : public Builtin<args::Histogram> {
 public:
  Histogram() : Builtin(args::Id::kHistogram, 2) {}

 protected:
  bool valid(const args::Histogram& a) const override {
    return valid_image(a.src) && valid_array(a.bins, kBins, 4, 4);
  }

  bool run_group(const args::Histogram& a, const Grid& group,
                 VirtualMemory& memory) const override {
    const Tile tile = tile_of(group, a.src);
    if (tile.empty()) return true;
    std::array<uint32_t, kBins> counts{};
    std::array<Pixel, args::kTileWidth> buffer;
    const auto row = std::span(buffer).first(tile.width);
    for (uint32_t y = tile.y; y < tile.y + tile.height; ++y) {
      if (!read_pixels(memory, a.src, tile.x, y, row)) return false;
      for (const Pixel& pixel : row) {
        for (size_t channel = 0; channel < 4; ++channel) ++counts[channel * 256 + pixel[channel]];
      }
    }
    return add_words(memory, a.bins, counts);
  }

 private:
  static constexpr size_t kBins = size_t{4} * 256;
};

}  // namespace

const Kernel& histogram() {
  static const Histogram kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
