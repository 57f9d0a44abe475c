// SPDX-License-Identifier: MIT
#include "kernels/list.h"

#include <array>

#include "kernels/builtin.h"

namespace fakegpu::hw::kernels {
namespace {

class Copy final : public Builtin<args::Copy> {
 public:
  Copy() : Builtin(args::Id::kCopy, 1) {}

 protected:
  bool valid(const args::Copy& a) const override {
    return valid_array(a.src, a.count, 4, 4) && valid_array(a.dst, a.count, 4, 4);
  }

  bool run_group(const args::Copy& a, const Grid& group, VirtualMemory& memory) const override {
    const LinearPart part = linear_part(group, a.count);
    if (part.count == 0) return true;
    std::array<uint32_t, args::kLinearGroup> buffer;
    const auto words = std::span(buffer).first(part.count);
    return read_array(memory, a.src + part.first * 4, words) &&
           write_array<uint32_t>(memory, a.dst + part.first * 4, words);
  }
};

}  // namespace

const Kernel& copy() {
  static const Copy kernel;
  return kernel;
}

}  // namespace fakegpu::hw::kernels
