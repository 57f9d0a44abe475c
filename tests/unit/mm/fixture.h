// SPDX-License-Identifier: MIT
// Real memory of 64 MiB in each heap, and two owners: a client and the driver.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <utility>

#include "hw/memory.h"
#include "mm/bo.h"

namespace fakegpu::mm::test {

inline constexpr uint64_t kPage = hw::kPageSize;
inline constexpr uint64_t kMiB = 1ull << 20;
inline constexpr uint64_t kHeapBytes = 64 * kMiB;

struct Owner {
  explicit Owner(const hw::Memory& memory)
      : arena(std::move(*Arena::create(memory.vram_bytes(), memory.system_bytes()))),
        usage(base::make_ref<Usage>()) {}

  base::Ref<Arena> arena;
  base::Ref<Usage> usage;
};

struct World {
  std::unique_ptr<hw::Memory> memory = std::move(*hw::Memory::create(kHeapBytes, kHeapBytes));
  MemoryManager manager{*memory};
  Owner client{*memory};
  Owner driver{*memory};

  base::Result<BoRef> create(const BoRequest& request, const Owner& owner) {
    return manager.create(request, owner.arena, owner.usage);
  }
  BoRef must_create(const BoRequest& request, const Owner& owner) {
    auto bo = create(request, owner);
    if (!bo) ADD_FAILURE() << bo.error().message();
    return bo ? *bo : nullptr;
  }
};

template <typename T>
int code_of(const base::Result<T>& result) {
  return result ? 0 : result.error().code();
}

}  // namespace fakegpu::mm::test
