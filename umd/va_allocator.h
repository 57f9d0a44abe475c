// SPDX-License-Identifier: MIT
// Free and used ranges of one GPU address space. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace fakegpu::umd {

class VaAllocator {
 public:
  // [start, end), in bytes.
  VaAllocator(uint64_t start, uint64_t end);

  // The lowest free range of `size` > 0 at a multiple of `alignment`, a power of two.
  std::optional<uint64_t> allocate(uint64_t size, uint64_t alignment);

  enum class Reserved { kOk, kInUse, kOutside };
  Reserved reserve(uint64_t at, uint64_t size);

  // False: no allocated or reserved range starts there.
  bool release(uint64_t at);

 private:
  void take(std::map<uint64_t, uint64_t>::iterator range, uint64_t at, uint64_t size);

  uint64_t start_;
  uint64_t end_;
  std::map<uint64_t, uint64_t> free_;  // start to end; neighbours are merged
  std::map<uint64_t, uint64_t> used_;
};

}  // namespace fakegpu::umd
