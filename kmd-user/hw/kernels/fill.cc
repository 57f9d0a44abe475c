// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {
namespace {

class Fill final : public Builtin<args::Fill> {
 public:
  Fill() : Builtin(args::Id::kFill, 1) {}

 protected:
  bool valid(const args::Fill& a) const override {
    return a.pad == 0 && valid_array(a.dst, a.count, 4, 4);
  }

  bool run_group(const args::Fill& a, const Grid& group, VirtualMemory& memory) const override {
    const LinearPart part = linear_part(group, a.count);
    if (part.count == 0) return true;
    std::array<uint32_t, args::kLinearGroup> values;
    values.fill(a.value);
    return write_array<uint32_t>(memory, a.dst + part.first * 4,
                                 std::span(values).first(part.count));
  }
};

}  // namespace

const Kernel& fill() {
  static const Fill kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
