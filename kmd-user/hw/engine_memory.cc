// SPDX-License-Identifier: MIT
#include "engine_memory.h"

#include <algorithm>

#include "hw/page_table.h"

namespace fakegpu::hw {

void EngineMemory::set_fault(uint64_t va, Access access, reg::FaultReason reason) {
  fault_ = {va, vmid_, access == Access::kWrite, reason};
}

std::span<std::byte> EngineMemory::physical(uint64_t address, uint64_t bytes, Access access) {
  std::span<std::byte> found = memory_.at(address, bytes);
  if (!found.empty()) return found;
  // Up to the page that is not there.
  const uint64_t in_page = kPageSize - address % kPageSize;
  if (bytes > in_page) found = memory_.at(address, in_page);
  if (found.empty()) set_fault(address, access, reg::kFaultVmInvalid);
  return found;
}

const EngineMemory::Entry* EngineMemory::find(uint64_t va, uint64_t generation) {
  const auto hit = [&](const Entry& entry) {
    return va - entry.start < entry.size && entry.vmid == vmid_ && entry.generation == generation;
  };
  if (hit(entries_[recent_])) return &entries_[recent_];
  for (unsigned i = 0; i < entries_.size(); ++i) {
    if (!hit(entries_[i])) continue;
    recent_ = i;
    return &entries_[i];
  }
  return nullptr;
}

const EngineMemory::Entry* EngineMemory::fill(uint64_t va, uint64_t bytes, Access access) {
  const Gpuvm::Translation found = gpuvm_.walk(vmid_, va, bytes);
  if (found.bytes.empty()) {
    set_fault(va, access, reg::kFaultVmInvalid);
    return nullptr;
  }
  recent_ = next_;
  next_ = (next_ + 1) % entries_.size();
  entries_[recent_] = {found.start, found.bytes.size(), found.bytes.data(), found.generation,
                       vmid_,       found.readable,     found.writable};
  return &entries_[recent_];
}

std::span<std::byte> EngineMemory::run(uint64_t va, uint64_t bytes, Access access) {
  if (miss_all_) {
    set_fault(va, access, reg::kFaultVmInvalid);
    return {};
  }
  return vmid_ == 0 ? physical(va, bytes, access) : translated(va, bytes, access);
}

std::span<std::byte> EngineMemory::translated(uint64_t va, uint64_t bytes, Access access) {
  begin();
  const Entry* entry = find(va, gpuvm_.generation(vmid_));
  if (!entry) entry = fill(va, bytes, access);
  if (!entry) return {};
  if (access == Access::kWrite ? !entry->writable : !entry->readable) {
    set_fault(va, access, entry->readable ? reg::kFaultVmReadOnly : reg::kFaultVmInvalid);
    return {};
  }
  const uint64_t offset = va - entry->start;
  return {entry->host + offset, std::min(bytes, entry->size - offset)};
}

std::optional<uint32_t> EngineMemory::load32(uint64_t va) {
  auto* at = pointer<uint32_t>(va, Access::kRead);
  if (!at) return std::nullopt;
  return std::atomic_ref(*at).load(std::memory_order_acquire);
}

std::optional<uint64_t> EngineMemory::load64(uint64_t va) {
  auto* at = pointer<uint64_t>(va, Access::kRead);
  if (!at) return std::nullopt;
  return std::atomic_ref(*at).load(std::memory_order_acquire);
}

bool EngineMemory::store32(uint64_t va, uint32_t value) {
  auto* at = pointer<uint32_t>(va, Access::kWrite);
  if (at) std::atomic_ref(*at).store(value, std::memory_order_release);
  return at;
}

bool EngineMemory::store64(uint64_t va, uint64_t value) {
  auto* at = pointer<uint64_t>(va, Access::kWrite);
  if (at) std::atomic_ref(*at).store(value, std::memory_order_release);
  return at;
}

}  // namespace fakegpu::hw
