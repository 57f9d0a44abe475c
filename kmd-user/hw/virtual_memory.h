// SPDX-License-Identifier: MIT
// Memory as an engine sees it under one VMID: virtual addresses through the page tables, or
// physical ones under VMID 0.
#pragma once

#include <cstdint>
#include <span>

namespace fakegpu::hw {

enum class Access : uint8_t { kRead, kWrite };

class VirtualMemory {
 public:
  virtual ~VirtualMemory() = default;

  // The longest directly usable run of bytes at `va`, at most `bytes` long. Empty: the access
  // faults; the fault is recorded and the caller must give up its packet or kernel.
  virtual std::span<std::byte> run(uint64_t va, uint64_t bytes, Access access) = 0;

  // Copies across run boundaries. False: faulted, perhaps after a part.
  bool read(uint64_t va, std::span<std::byte> to);
  bool write(uint64_t va, std::span<const std::byte> from);
};

}  // namespace fakegpu::hw
