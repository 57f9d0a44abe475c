// SPDX-License-Identifier: MIT
// What one engine sees of memory: virtual addresses of the VMID it works for, with translations of
// its own (the chip's UTCL1), or physical ones under VMID 0. Belongs to the engine's task.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "gpuvm.h"
#include "hw/memory.h"
#include "virtual_memory.h"

namespace fakegpu::hw {

class EngineMemory final : public VirtualMemory {
 public:
  EngineMemory(const Memory& memory, Gpuvm& gpuvm) : memory_(memory), gpuvm_(gpuvm) {}

  void select(unsigned vmid) { vmid_ = static_cast<uint8_t>(vmid); }

  // The spans that run() gives stay usable until end(): an invalidation is not done before. Nothing
  // is kept across end() but cached translations, which are checked again.
  void end() {
    const uint64_t count = use_.count.load(std::memory_order_relaxed);
    if (count & 1) use_.count.store(count + 1, std::memory_order_release);
  }
  const TranslationUse& use() const { return use_; }

  std::span<std::byte> run(uint64_t va, uint64_t bytes, Access access) override;

  // Single aligned values, each one atomic access (acquire, release): fences, polls, small writes.
  std::optional<uint32_t> load32(uint64_t va);
  std::optional<uint64_t> load64(uint64_t va);
  bool store32(uint64_t va, uint32_t value);
  bool store64(uint64_t va, uint64_t value);
  // For atomic operations; nullptr: faulted.
  template <typename T>
  T* pointer(uint64_t va, Access access) {
    const std::span<std::byte> bytes = run(va, sizeof(T), access);
    return bytes.size() == sizeof(T) ? reinterpret_cast<T*>(bytes.data()) : nullptr;
  }

  // Why the last run() was empty.
  const VmFault& fault() const { return fault_; }
  void set_fault(uint64_t va, Access access, reg::FaultReason reason);
  // While on, every access misses translation.
  void miss_all(bool on) { miss_all_ = on; }

 private:
  struct Entry {
    uint64_t start = 0;
    uint64_t size = 0;  // 0: unused
    std::byte* host = nullptr;
    uint64_t generation = 0;
    uint8_t vmid = 0;
    bool readable = false;
    bool writable = false;
  };

  // Before the first translation since end().
  void begin() {
    const uint64_t count = use_.count.load(std::memory_order_relaxed);
    if (!(count & 1)) use_.count.store(count + 1);
  }
  std::span<std::byte> physical(uint64_t address, uint64_t bytes, Access access);
  std::span<std::byte> translated(uint64_t va, uint64_t bytes, Access access);
  const Entry* find(uint64_t va, uint64_t generation);
  const Entry* fill(uint64_t va, uint64_t bytes, Access access);

  const Memory& memory_;
  Gpuvm& gpuvm_;
  TranslationUse use_;
  std::array<Entry, 16> entries_;
  unsigned recent_ = 0;
  unsigned next_ = 0;  // to be replaced
  uint8_t vmid_ = 0;
  bool miss_all_ = false;
  VmFault fault_;
};

}  // namespace fakegpu::hw
