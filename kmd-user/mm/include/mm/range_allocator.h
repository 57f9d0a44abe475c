// SPDX-License-Identifier: MIT
// Hands out ranges of an address space (drm_mm's part): first fit by address, neighbours coalesce.
#pragma once

#include <cstdint>
#include <map>

#include "base/result.h"

namespace fakegpu::mm {

class RangeAllocator {
 public:
  RangeAllocator(uint64_t start, uint64_t size);

  // -ENOSPC: no hole is large enough. -EINVAL: size 0 or alignment not a power of two.
  base::Result<uint64_t> allocate(uint64_t size, uint64_t alignment);
  // Takes a range that must be free: -EEXIST if any of it is taken, -EINVAL if outside.
  base::Result<> reserve(uint64_t start, uint64_t size);
  // A range as allocate() or reserve() gave it.
  void release(uint64_t start, uint64_t size);

  uint64_t size() const { return size_; }
  uint64_t used() const { return size_ - free_bytes_; }

 private:
  uint64_t start_;
  uint64_t size_;
  uint64_t free_bytes_;
  std::map<uint64_t, uint64_t> holes_;  // start -> size
};

}  // namespace fakegpu::mm
