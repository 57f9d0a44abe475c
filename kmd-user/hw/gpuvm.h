// SPDX-License-Identifier: MIT
// GPUVM: the page table bases, the walker, and what invalidation means. Each engine keeps its own
// translations (engine_memory.h); here is what they are checked against. Walks take no lock and may
// run while the driver changes entries.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "hw/memory.h"
#include "hw/registers.h"

namespace fakegpu::hw {

struct VmFault {
  uint64_t address = 0;
  uint8_t vmid = 0;
  bool write = false;
  reg::FaultReason reason = reg::kFaultNone;

  // The layout of kVmFaultStatus and of the second data word of the interrupt.
  uint32_t status() const {
    return vmid | (write ? 1u << 4 : 0u) | static_cast<uint32_t>(reason) << 8;
  }
};

// Odd while its engine may hold translated addresses. Written by the engine only.
struct TranslationUse {
  std::atomic<uint64_t> count{0};
};

class Gpuvm {
 public:
  static constexpr unsigned kVmids = 16;

  explicit Gpuvm(const Memory& memory) : memory_(memory) {}
  Gpuvm(const Gpuvm&) = delete;

  // Before anything runs; `use` outlives the last register access.
  void add_user(const TranslationUse& use) { users_.push_back({&use, 0}); }

  // Physically contiguous pages with the same rights, from the page of `va` on.
  struct Translation {
    uint64_t start = 0;          // virtual, of the first page
    std::span<std::byte> bytes;  // empty: no translation
    bool readable = false;
    bool writable = false;
    uint64_t generation = 0;  // stale once generation(vmid) differs
  };
  // At least the page of `va`; as far as `bytes` if the pages allow it. vmid is 1 to 15.
  Translation walk(unsigned vmid, uint64_t va, uint64_t bytes) const;

  // Sequentially consistent, as is the write of TranslationUse::count before: either the engine
  // sees the new generation, or the invalidation sees the engine.
  uint64_t generation(unsigned vmid) const { return contexts_[vmid].generation.load(); }

  void record(const VmFault& fault);

  // Registers as after power on: no address space is loaded, no translation is valid.
  void power_up();

  // kVmContextBaseLo to kVmFaultStatus. Any thread.
  uint32_t read(uint32_t offset) const;
  void write(uint32_t offset, uint32_t value);

 private:
  struct Context {
    std::atomic<uint64_t> base{0};
    std::atomic<uint64_t> generation{0};
  };
  struct User {
    const TranslationUse* use;
    uint64_t waited_for;  // its count at the last invalidation, if odd; else 0
  };

  // nullptr: no memory there.
  uint64_t* table(PhysAddr at) const;
  // The table with the entry for `va`; nullptr if some level above is not valid.
  uint64_t* leaf_table(uint64_t base, uint64_t va) const;
  void invalidate(uint32_t mask);
  uint32_t pending() const REQUIRES(mutex_);

  const Memory& memory_;
  std::array<Context, kVmids> contexts_;

  mutable base::Mutex mutex_;
  std::vector<User> users_;  // the list is fixed; waited_for is guarded
  uint32_t invalidating_ GUARDED_BY(mutex_) = 0;
  VmFault last_fault_ GUARDED_BY(mutex_);
};

}  // namespace fakegpu::hw
