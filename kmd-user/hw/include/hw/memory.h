// SPDX-License-Identifier: MIT
// Physical memory as the chip and the driver's BAR see it: VRAM from address 0, system memory from
// kSystemBase. Both are reserved address space into which pages of memfds are bound; the bytes are
// where the address says, so the command processor uses plain physical addresses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/mutex.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::hw {

using PhysAddr = uint64_t;

inline constexpr uint64_t kPageSize = 4096;
inline constexpr PhysAddr kSystemBase = 1ull << 40;

class Memory {
 public:
  // Sizes are multiples of kPageSize.
  static base::Result<std::unique_ptr<Memory>> create(uint64_t vram_bytes, uint64_t system_bytes);

  uint64_t vram_bytes() const { return vram_.size(); }
  uint64_t system_bytes() const { return system_.size(); }

  // Backs [at, at + size) with pages of `fd` from `offset`. All multiples of kPageSize; the range
  // is inside one of the two and not bound yet (-EINVAL, -EEXIST). Any thread.
  base::Result<> bind(PhysAddr at, uint64_t size, int fd, uint64_t offset);
  // The opposite. The caller guarantees that no engine can still reach the range.
  void unbind(PhysAddr at, uint64_t size);

  // The bytes at [at, at + size), or empty if the range is not inside one of the two or any page of
  // it is unbound. Any thread, any time: bound pages stay until unbind.
  std::span<std::byte> at(PhysAddr at, uint64_t size) const;

  // Overwrites all bound VRAM, as a reset without power does. It reads as zero afterwards.
  void lose_vram();

 private:
  struct Range {
    explicit Range(base::Mapping reserved);
    size_t size() const { return bytes.size(); }
    // Whether all of the pages [first, last] have their bit as `expected`.
    bool all(size_t first, size_t last, bool expected) const;
    void mark(size_t first, size_t last, bool value);

    base::Mapping bytes;
    std::unique_ptr<std::atomic<uint64_t>[]> bound;  // one bit a page
  };

  Memory(base::Mapping vram, base::Mapping system);
  // The range that holds all of [at, at + size), and where in it; nullptr: none.
  const Range* find(PhysAddr at, uint64_t size, uint64_t* offset) const;
  Range* find(PhysAddr at, uint64_t size, uint64_t* offset);

  base::Mutex mutex_;  // serialises bind, unbind and lose_vram; at() takes none
  Range vram_;
  Range system_;
};

}  // namespace fakegpu::hw
