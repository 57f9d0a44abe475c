// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>
#include <numeric>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {
namespace {

class ReduceSum final : public Builtin<args::ReduceSum> {
 public:
  ReduceSum() : Builtin(args::Id::kReduceSum, 1) {}

 protected:
  bool valid(const args::ReduceSum& a) const override {
    return valid_array(a.src, a.count, 4, 4) && valid_array(a.dst, 1, 8, 8);
  }

  bool run_group(const args::ReduceSum& a, const Grid& group,
                 VirtualMemory& memory) const override {
    const LinearPart part = linear_part(group, a.count);
    if (part.count == 0) return true;
    std::array<uint32_t, args::kLinearGroup> buffer;
    const auto words = std::span(buffer).first(part.count);
    if (!read_array(memory, a.src + part.first * 4, words)) return false;
    const uint64_t sum = std::accumulate(words.begin(), words.end(), uint64_t{0});
    return add_words(memory, a.dst, std::span(&sum, 1));
  }
};

}  // namespace

const Kernel& reduce_sum() {
  static const ReduceSum kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
