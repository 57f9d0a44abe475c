// SPDX-License-Identifier: MIT
// Byte-exact regions of virtual memory that are handed out in short runs. Whatever lies outside of
// a region faults, so a kernel that touches a byte too many is noticed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "virtual_memory.h"

namespace fakegpu::hw::test {

class FakeMemory final : public VirtualMemory {
 public:
  // Runs end at multiples of `cut`. A multiple of 8 for kernels that add atomically: pages never
  // cut an aligned word either.
  explicit FakeMemory(uint64_t cut) : cut_(cut) {}

  void add(uint64_t va, uint64_t bytes, bool writable = true) {
    regions_[va] = {std::vector<std::byte>(bytes + va % kAlign), writable};
  }
  void fill_random(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (auto& [va, region] : regions_)
      for (std::byte& byte : region.bytes) byte = static_cast<std::byte>(random());
  }
  void protect(uint64_t va) { regions_.at(va).writable = false; }
  void remove(uint64_t va) { regions_.erase(va); }

  std::span<std::byte> run(uint64_t va, uint64_t bytes, Access access) override {
    auto found = regions_.upper_bound(va);
    if (found != regions_.begin()) {
      --found;
      auto& [start, region] = *found;
      const std::span<std::byte> all = std::span(region.bytes).subspan(start % kAlign);
      if (va - start < all.size() && (access == Access::kRead || region.writable)) {
        const uint64_t to_cut = cut_ - va % cut_;
        return all.subspan(va - start, std::min({bytes, to_cut, all.size() - (va - start)}));
      }
    }
    fault = va;
    return {};
  }

  template <typename T>
  T get(uint64_t va) {
    T value{};
    if (!read(va, std::as_writable_bytes(std::span(&value, 1)))) std::abort();
    return value;
  }
  template <typename T>
  void put(uint64_t va, T value) {
    if (!write(va, std::as_bytes(std::span(&value, 1)))) std::abort();
  }

  bool operator==(const FakeMemory& other) const { return regions_ == other.regions_; }

  std::optional<uint64_t> fault;  // the address of the last one

 private:
  static constexpr uint64_t kAlign = 16;  // host addresses are aligned as the virtual ones

  struct Region {
    std::vector<std::byte> bytes;
    bool writable = true;
    bool operator==(const Region&) const = default;
  };

  uint64_t cut_;
  std::map<uint64_t, Region> regions_;
};

}  // namespace fakegpu::hw::test
