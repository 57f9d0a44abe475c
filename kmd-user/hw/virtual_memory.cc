// SPDX-License-Identifier: MIT
#include "virtual_memory.h"

#include <cstring>

namespace fakegpu::hw {

bool VirtualMemory::read(uint64_t va, std::span<std::byte> to) {
  while (!to.empty()) {
    const std::span<std::byte> from = run(va, to.size(), Access::kRead);
    if (from.empty()) return false;
    std::memcpy(to.data(), from.data(), from.size());
    to = to.subspan(from.size());
    va += from.size();
  }
  return true;
}

bool VirtualMemory::write(uint64_t va, std::span<const std::byte> from) {
  while (!from.empty()) {
    const std::span<std::byte> to = run(va, from.size(), Access::kWrite);
    if (to.empty()) return false;
    std::memcpy(to.data(), from.data(), to.size());
    from = from.subspan(to.size());
    va += to.size();
  }
  return true;
}

}  // namespace fakegpu::hw
