// SPDX-License-Identifier: MIT
#include "gpuvm.h"

#include <algorithm>

#include "hw/page_table.h"

namespace fakegpu::hw {
namespace {

// A miss brings in this much if the pages allow it, even when less was asked for: the next packets
// and kernel rows are usually beside.
constexpr uint64_t kReadAhead = 16 * kPageSize;

constexpr uint64_t kRights = pte::kReadable | pte::kWritable;

bool usable(uint64_t entry) {
  const bool system = (entry & pte::kAddressMask) >= kSystemBase;
  return (entry & pte::kValid) && system == ((entry & pte::kSystem) != 0);
}

// An entry in one piece, or 0 if it is not usable.
uint64_t load(uint64_t& entry) {
  const uint64_t value = std::atomic_ref(entry).load(std::memory_order_acquire);
  return usable(value) ? value : 0;
}

uint64_t with_half(uint64_t old, uint32_t value, bool high) {
  return high ? (old & 0xffffffff) | static_cast<uint64_t>(value) << 32
              : (old & ~uint64_t{0xffffffff}) | value;
}

}  // namespace

uint64_t* Gpuvm::table(PhysAddr at) const {
  return reinterpret_cast<uint64_t*>(memory_.at(at, kPageSize).data());
}

uint64_t* Gpuvm::leaf_table(uint64_t base, uint64_t va) const {
  if (!(base & reg::kVmValid) || va >= pte::kAddressEnd) return nullptr;
  uint64_t* entries = table(base & pte::kAddressMask);
  for (unsigned level = pte::kLevels - 1; level > 0; --level) {
    const uint64_t directory = entries ? load(entries[pte::index(va, level)]) : 0;
    if (!directory) return nullptr;
    entries = table(directory & pte::kAddressMask);
  }
  return entries;
}

Gpuvm::Translation Gpuvm::walk(unsigned vmid, uint64_t va, uint64_t bytes) const {
  const Context& context = contexts_[vmid];
  Translation result;
  // Before the entries: an invalidation in between makes this walk's result stale at once.
  result.generation = context.generation.load();
  const uint64_t base = context.base.load(std::memory_order_acquire);
  uint64_t* entries = leaf_table(base, va);
  const uint64_t first = entries ? load(entries[pte::index(va, 0)]) : 0;
  if (!first) return result;

  result.start = va & ~(kPageSize - 1);
  result.readable = first & pte::kReadable;
  result.writable = first & pte::kWritable;
  const PhysAddr physical = first & pte::kAddressMask;
  const uint64_t limit = pte::kAddressEnd - result.start;
  const uint64_t offset = va - result.start;
  const uint64_t wanted = bytes < limit - offset ? std::max(bytes + offset, kReadAhead) : limit;
  uint64_t size = kPageSize;
  for (; size < std::min(wanted, limit); size += kPageSize) {
    const uint64_t next_va = result.start + size;
    if (pte::index(next_va, 0) == 0) entries = leaf_table(base, next_va);
    const uint64_t next = entries ? load(entries[pte::index(next_va, 0)]) : 0;
    if (!next || (next & pte::kAddressMask) != physical + size || ((next ^ first) & kRights)) break;
  }
  result.bytes = memory_.at(physical, size);
  // Some page of it has no memory behind: the first may have.
  if (result.bytes.empty()) result.bytes = memory_.at(physical, kPageSize);
  return result;
}

void Gpuvm::record(const VmFault& fault) {
  base::MutexLock lock(mutex_);
  last_fault_ = fault;
}

void Gpuvm::invalidate(uint32_t mask) {
  mask &= (1u << kVmids) - 1;
  base::MutexLock lock(mutex_);
  for (unsigned vmid = 0; vmid < kVmids; ++vmid)
    if (mask >> vmid & 1) contexts_[vmid].generation.fetch_add(1);
  // An earlier invalidation that is still pending now ends with this one.
  invalidating_ = mask | pending();
  for (User& user : users_) {
    const uint64_t count = user.use->count.load();
    user.waited_for = count & 1 ? count : 0;
  }
}

uint32_t Gpuvm::pending() const {
  for (const User& user : users_)
    if (user.waited_for && user.use->count.load() == user.waited_for) return invalidating_;
  return 0;
}

void Gpuvm::power_up() {
  for (Context& context : contexts_) context.base.store(0);
  invalidate((1u << kVmids) - 1);
  base::MutexLock lock(mutex_);
  last_fault_ = {};
}

uint32_t Gpuvm::read(uint32_t offset) const {
  if (offset < reg::kVmContextBaseLo + 8 * kVmids) {
    const uint64_t base = contexts_[(offset - reg::kVmContextBaseLo) / 8].base.load();
    return static_cast<uint32_t>(offset & 4 ? base >> 32 : base);
  }
  base::MutexLock lock(mutex_);
  switch (offset) {
    case reg::kVmInvalidate:
      return pending();
    case reg::kVmFaultAddrLo:
      return static_cast<uint32_t>(last_fault_.address);
    case reg::kVmFaultAddrHi:
      return static_cast<uint32_t>(last_fault_.address >> 32);
    case reg::kVmFaultStatus:
      return last_fault_.status();
    default:
      return 0;
  }
}

void Gpuvm::write(uint32_t offset, uint32_t value) {
  if (offset < reg::kVmContextBaseLo + 8 * kVmids) {
    std::atomic<uint64_t>& base = contexts_[(offset - reg::kVmContextBaseLo) / 8].base;
    base::MutexLock lock(mutex_);
    base.store(with_half(base.load(), value, offset & 4), std::memory_order_release);
  } else if (offset == reg::kVmInvalidate) {
    invalidate(value);
  }
}

}  // namespace fakegpu::hw
