// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ioctl/user_memory.h"

namespace fakegpu::cuse_dev {

// The memory of a restricted ioctl: the kernel moved the struct, arrays are in the caller's memory.
// The struct is never read there, so that it is fetched once.
class StructMemory final : public ioctl::UserMemory {
 public:
  // `window` holds the struct as fetched and takes it back; it outlives this object.
  StructMemory(uint64_t address, std::span<std::byte> window, int32_t tid)
      : address_(address), window_(window), process_(tid) {}

  bool fetch(uint64_t address, std::span<std::byte> to) override;
  bool store(uint64_t address, std::span<const std::byte> from) override;

 private:
  // The part of the window that a range names; no data if it lies outside.
  std::byte* inside(uint64_t address, size_t bytes);

  uint64_t address_;
  std::span<std::byte> window_;
  ioctl::ProcessMemory process_;
};

}  // namespace fakegpu::cuse_dev
