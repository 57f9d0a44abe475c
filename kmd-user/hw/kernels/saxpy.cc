// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {
namespace {

class Saxpy final : public Builtin<args::Saxpy> {
 public:
  Saxpy() : Builtin(args::Id::kSaxpy, 2) {}

 protected:
  bool valid(const args::Saxpy& a) const override {
    return a.pad == 0 && valid_array(a.x, a.count, 4, 4) && valid_array(a.y, a.count, 4, 4);
  }

  bool run_group(const args::Saxpy& a, const Grid& group, VirtualMemory& memory) const override {
    const LinearPart part = linear_part(group, a.count);
    if (part.count == 0) return true;
    std::array<float, args::kLinearGroup> x_buffer;
    std::array<float, args::kLinearGroup> y_buffer;
    const auto x = std::span(x_buffer).first(part.count);
    const auto y = std::span(y_buffer).first(part.count);
    if (!read_array(memory, a.x + part.first * 4, x) ||
        !read_array(memory, a.y + part.first * 4, y))
      return false;
    for (uint32_t i = 0; i < part.count; ++i) y[i] = (a.a * x[i]) + y[i];
    return write_array<float>(memory, a.y + part.first * 4, y);
  }
};

}  // namespace

const Kernel& saxpy() {
  static const Saxpy kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
