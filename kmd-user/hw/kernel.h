// SPDX-License-Identifier: MIT
// A built-in compute kernel. A dispatch runs one over a grid of workgroups; a workgroup is the unit
// in which a dispatch can be stopped and resumed, so it keeps no state between groups. (A
// programmable core would be one more of these.)
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hw/profile.h"
#include "virtual_memory.h"

namespace fakegpu::hw {

struct Grid {
  uint32_t x, y, z;  // workgroups
};

enum class KernelResult : uint8_t {
  kOk,
  kBadArguments,  // out of the kernel's documented limits, or the grid does not fit them
  kFault,         // a memory access faulted; VirtualMemory has recorded it
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual uint32_t id() const = 0;  // packets/kernels.h
  virtual std::string_view name() const = 0;
  virtual uint32_t argument_bytes() const = 0;
  // Modelled cost of one workgroup, in units of CostModel::workgroup.
  virtual uint32_t weight() const { return 1; }

  // Once per dispatch, before any group; `arguments` was copied from memory and stays the same.
  virtual KernelResult check(std::span<const std::byte> arguments, const Grid& grid) const = 0;
  // One workgroup. Groups of one dispatch may run in any order; they write disjoint memory or use
  // atomic adds.
  virtual KernelResult run(std::span<const std::byte> arguments, const Grid& group,
                           VirtualMemory& memory) const = 0;
};

// nullptr: no such kernel.
const Kernel* find_kernel(uint32_t id);

}  // namespace fakegpu::hw
