// SPDX-License-Identifier: MIT
#include "mm/address_space.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <iterator>

#include "hw/page_table.h"

namespace fakegpu::mm {
namespace {

namespace pte = hw::pte;

constexpr uint64_t kTableBytes = pte::kEntries * sizeof(uint64_t);
constexpr unsigned kRootLevel = pte::kLevels - 1;

// Bytes of address space under one table.
constexpr uint64_t reach(unsigned level) {
  return 1ull << (12 + 9 * (level + 1));
}
constexpr uint64_t covered_from(uint64_t va, unsigned level) {
  return va & ~(reach(level) - 1);
}
constexpr uint64_t key(uint64_t va, unsigned level) {
  return covered_from(va, level) | level;
}

// The chip may walk the table meanwhile. Release: what the entry leads to is written before.
void store_entry(Bo& table, unsigned index, uint64_t value) {
  auto* entries = reinterpret_cast<uint64_t*>(table.bytes().data());
  std::atomic_ref(entries[index]).store(value, std::memory_order_release);
}

BoRequest table_request() {
  return {.size = kTableBytes, .heap = Heap::kVram};
}

}  // namespace

base::Result<AddressSpaceRef> AddressSpace::create(MemoryManager& manager, base::Ref<Arena> arena,
                                                   base::Ref<Usage> usage, uint64_t limit_bytes) {
  if (limit_bytes == 0) limit_bytes = manager.heap_size(Heap::kVram) / 8;
  auto root = manager.create(table_request(), arena, usage);
  if (!root) return tl::unexpected(std::move(root).error());
  return AddressSpaceRef::adopt(
      new AddressSpace(manager, std::move(arena), std::move(usage), limit_bytes, std::move(*root)));
}

AddressSpace::AddressSpace(MemoryManager& manager, base::Ref<Arena> arena, base::Ref<Usage> usage,
                           uint64_t limit_bytes, BoRef root)
    : manager_(manager),
      arena_(std::move(arena)),
      usage_(std::move(usage)),
      limit_bytes_(limit_bytes),
      id_(manager.next_space_id()),
      root_(std::move(root)) {}

AddressSpace::~AddressSpace() = default;

base::Result<> AddressSpace::check_range(uint64_t va, const Bo& bo, uint64_t bo_offset,
                                         uint64_t size) const {
  if (size == 0 || (va | bo_offset | size) % hw::kPageSize != 0)
    return base::fail(EINVAL, "bind {:#x}+{:#x} from {:#x}: empty or not whole pages", va, size,
                      bo_offset);
  if (va < kVaStart || va >= kVaEnd || size > kVaEnd - va)
    return base::fail(EINVAL, "bind {:#x}+{:#x} leaves [{:#x}, {:#x})", va, size, kVaStart, kVaEnd);
  if (size > bo.size() || bo_offset > bo.size() - size)
    return base::fail(EINVAL, "bind of {:#x}+{:#x} of a BO of {:#x} bytes", bo_offset, size,
                      bo.size());

  const auto next = binds_.lower_bound(va);
  if (next != binds_.end() && next->first - va < size)
    return base::fail(EEXIST, "bind {:#x}+{:#x}: {:#x} is bound", va, size, next->first);
  if (next != binds_.begin()) {
    const auto& [previous, bind] = *std::prev(next);
    if (va - previous < bind.size)
      return base::fail(EEXIST, "bind {:#x}+{:#x}: {:#x}+{:#x} is bound", va, size, previous,
                        bind.size);
  }
  return {};
}

base::Result<std::vector<AddressSpace::MissingTable>> AddressSpace::allocate_tables(uint64_t va,
                                                                                    uint64_t size) {
  std::vector<MissingTable> missing;
  for (unsigned level = 0; level < kRootLevel; ++level) {
    for (uint64_t at = covered_from(va, level); at < va + size; at += reach(level)) {
      if (!tables_.contains(key(at, level))) missing.push_back({at, level, nullptr});
    }
  }
  const uint64_t bytes = (1 + tables_.size() + missing.size()) * kTableBytes;
  if (!missing.empty() && bytes > limit_bytes_)
    return base::fail(ENOSPC, "page tables would take {:#x} bytes, the limit is {:#x}", bytes,
                      limit_bytes_);
  if (!usage_->allows(missing.size() * kTableBytes))
    return base::fail(ENOSPC, "{} more page tables exceed the owner's limit of {:#x} bytes",
                      missing.size(), usage_->limit);

  for (MissingTable& entry : missing) {
    auto table = manager_.create(table_request(), arena_, usage_);
    if (!table) return tl::unexpected(std::move(table).error());
    entry.table = std::move(*table);
  }
  return missing;
}

Bo& AddressSpace::table(uint64_t va, unsigned level) {
  if (level == kRootLevel) return *root_;
  const auto found = tables_.find(key(va, level));
  assert(found != tables_.end());
  return *found->second;
}

void AddressSpace::write_pages(uint64_t va, uint64_t size, uint64_t entry, uint64_t step) {
  const uint64_t end = va + size;
  while (va < end) {
    Bo& leaf = table(va, 0);
    const uint64_t leaf_end = std::min(end, covered_from(va, 0) + reach(0));
    for (; va < leaf_end; va += hw::kPageSize, entry += step)
      store_entry(leaf, pte::index(va, 0), entry);
  }
}

void AddressSpace::write_bind(uint64_t va, const Bo& bo, uint64_t bo_offset, uint64_t size,
                              bool read_only) {
  const uint64_t flags = pte::kValid | pte::kReadable | (read_only ? 0 : pte::kWritable) |
                         (bo.heap() == Heap::kSystem ? pte::kSystem : 0);
  write_pages(va, size, (bo.address() + bo_offset) | flags, hw::kPageSize);
}

void AddressSpace::link(uint64_t va, unsigned level, const Bo& lower) {
  store_entry(table(va, level + 1), pte::index(va, level + 1), lower.address() | pte::kValid);
}

base::Result<> AddressSpace::bind(uint64_t va, BoRef bo, uint64_t bo_offset, uint64_t size,
                                  bool read_only) {
  FAKEGPU_TRY(check_range(va, *bo, bo_offset, size));
  const auto missing = allocate_tables(va, size);
  if (!missing) return tl::unexpected(missing.error());

  for (const MissingTable& entry : *missing)
    tables_.emplace(key(entry.va, entry.level), entry.table);
  write_bind(va, *bo, bo_offset, size, read_only);
  // Bottom up, so that a walk never enters a table that is not complete.
  for (const MissingTable& entry : *missing) link(entry.va, entry.level, *entry.table);
  binds_.emplace(va, Bind{std::move(bo), bo_offset, size, read_only, BindCharge(usage_)});
  return {};
}

base::Result<AddressSpace::Bind> AddressSpace::unbind(uint64_t va) {
  const auto found = binds_.find(va);
  if (found == binds_.end()) return base::fail(ENOENT, "no bind starts at {:#x}", va);
  Bind bind = std::move(found->second);
  binds_.erase(found);
  write_pages(va, bind.size, 0, 0);
  ++flush_sequence_;
  return bind;
}

size_t AddressSpace::read(uint64_t va, std::span<std::byte> to) const {
  size_t done = 0;
  while (done < to.size()) {
    const auto next = binds_.upper_bound(va + done);
    if (next == binds_.begin()) break;
    const auto& [start, bind] = *std::prev(next);
    const uint64_t offset = va + done - start;
    if (offset >= bind.size) break;
    const auto from = bind.bo->bytes().subspan(bind.bo_offset + offset, bind.size - offset);
    const size_t count = std::min(from.size(), to.size() - done);
    std::memcpy(to.data() + done, from.data(), count);
    done += count;
  }
  return done;
}

void AddressSpace::rebuild() {
  std::ranges::fill(root_->bytes(), std::byte{0});
  for (const auto& [at, table] : tables_) std::ranges::fill(table->bytes(), std::byte{0});
  for (const auto& [va, bind] : binds_)
    write_bind(va, *bind.bo, bind.bo_offset, bind.size, bind.read_only);
  for (const auto& [at, table] : tables_)
    link(at & ~uint64_t{hw::kPageSize - 1}, static_cast<unsigned>(at % hw::kPageSize), *table);
  ++flush_sequence_;
}

}  // namespace fakegpu::mm
