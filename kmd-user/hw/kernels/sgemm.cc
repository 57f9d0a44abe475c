// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <algorithm>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {
namespace {

class Sgemm final : public Builtin<args::Sgemm> {
 public:
  Sgemm() : Builtin(args::Id::kSgemm, 8) {}

 protected:
  bool valid(const args::Sgemm& a) const override {
    const auto side = [](uint32_t n) { return n >= 1 && n <= 4096; };
    const auto matrix = [](uint64_t va, uint32_t rows, uint32_t columns, uint32_t pitch) {
      return pitch >= columns && pitch <= 65536 &&
             valid_array(va, uint64_t{rows - 1} * pitch + columns, 4, 4);
    };
    return side(a.m) && side(a.n) && side(a.k) && matrix(a.a, a.m, a.k, a.lda) &&
           matrix(a.b, a.k, a.n, a.ldb) && matrix(a.c, a.m, a.n, a.ldc);
  }

  bool run_group(const args::Sgemm& a, const Grid& group, VirtualMemory& memory) const override {
    const uint64_t column = uint64_t{group.x} * kTile;
    const uint64_t row = uint64_t{group.y} * kTile;
    if (group.z || column >= a.n || row >= a.m) return true;
    const auto columns = static_cast<uint32_t>(std::min<uint64_t>(kTile, a.n - column));
    const auto rows = static_cast<uint32_t>(std::min<uint64_t>(kTile, a.m - row));

    // Along k in strips, so that both factors are read a row at a time; the sum keeps its order.
    float sum[kTile][kTile] = {};
    float a_strip[kTile][kStrip];
    float b_row[kTile] = {};
    for (uint32_t from = 0; from < a.k; from += kStrip) {
      const uint32_t depth = std::min(kStrip, a.k - from);
      for (uint32_t i = 0; i < rows; ++i) {
        const uint64_t va = a.a + ((row + i) * a.lda + from) * 4;
        if (!read_array(memory, va, std::span(a_strip[i]).first(depth))) return false;
      }
      for (uint32_t l = 0; l < depth; ++l) {
        const uint64_t va = a.b + (uint64_t{from + l} * a.ldb + column) * 4;
        if (!read_array(memory, va, std::span(b_row).first(columns))) return false;
        for (uint32_t i = 0; i < rows; ++i) {
          for (uint32_t j = 0; j < kTile; ++j) sum[i][j] = sum[i][j] + (a_strip[i][l] * b_row[j]);
        }
      }
    }
    for (uint32_t i = 0; i < rows; ++i) {
      const uint64_t va = a.c + ((row + i) * a.ldc + column) * 4;
      if (!store_row(a, va, std::span(sum[i]).first(columns), memory)) return false;
    }
    return true;
  }

 private:
  static constexpr uint32_t kTile = args::kGemmTile;
  static constexpr uint32_t kStrip = 256;

  static bool store_row(const args::Sgemm& a, uint64_t va, std::span<float> sum,
                        VirtualMemory& memory) {
    float old[kTile];
    if (a.beta == 0) {
      for (float& s : sum) s = a.alpha * s;
    } else {
      if (!read_array(memory, va, std::span(old).first(sum.size()))) return false;
      for (size_t j = 0; j < sum.size(); ++j) sum[j] = (a.alpha * sum[j]) + (a.beta * old[j]);
    }
    return write_array<float>(memory, va, sum);
  }
};

}  // namespace

const Kernel& sgemm() {
  static const Sgemm kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
