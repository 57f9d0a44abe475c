// SPDX-License-Identifier: MIT
#include "ioctl/plan.h"

#include <linux/ioctl.h>

#include <algorithm>
#include <cerrno>

#include "struct_view.h"

namespace fakegpu::ioctl {

Plan plan_arrays(const Row& row, std::span<const std::byte> arg) {
  arg = arg.first(std::min<size_t>(arg.size(), row.size));
  Plan plan;
  for (const ArrayField& array : row.arrays) {
    const uint64_t address = load(arg, array.pointer_offset, sizeof(uint64_t));
    const uint64_t count =
        std::min<uint64_t>(load(arg, array.count_offset, array.count_bytes), array.max_elements);
    const uint64_t bytes = count * array.element_bytes;  // 32 bits times 32 bits
    if (address == 0 || bytes == 0) continue;
    if (address + (bytes - 1) < address) return {.error = -EFAULT};
    if (bytes > UINT32_MAX) return {.error = -ENOMEM};
    plan.segments.push_back({address, static_cast<uint32_t>(bytes), array.direction});
  }
  return plan;
}

namespace {

StructCopy copy_of(uint32_t size, uint32_t direction) {
  return {.in_bytes = (direction & _IOC_WRITE) != 0 ? size : 0,
          .out_bytes = (direction & _IOC_READ) != 0 ? size : 0};
}

}  // namespace

StructCopy struct_copy(uint32_t command) {
  if (const Row* row = find_row(command)) return struct_copy(command, *row);
  return copy_of(_IOC_SIZE(command), _IOC_DIR(command));
}

StructCopy struct_copy(uint32_t command, const Row& row) {
  return copy_of(_IOC_SIZE(command), _IOC_DIR(command) & row.direction);
}

}  // namespace fakegpu::ioctl
