// SPDX-License-Identifier: MIT
#include "struct_memory.h"

#include <cstring>

namespace fakegpu::cuse_dev {

std::byte* StructMemory::inside(uint64_t address, size_t bytes) {
  const uint64_t offset = address - address_;
  if (address < address_ || offset > window_.size() || bytes > window_.size() - offset)
    return nullptr;
  return window_.data() + offset;
}

bool StructMemory::fetch(uint64_t address, std::span<std::byte> to) {
  const std::byte* from = inside(address, to.size());
  if (from == nullptr) return process_.fetch(address, to);
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
  return true;
}

bool StructMemory::store(uint64_t address, std::span<const std::byte> from) {
  std::byte* to = inside(address, from.size());
  if (to == nullptr) return process_.store(address, from);
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
  return true;
}

}  // namespace fakegpu::cuse_dev
