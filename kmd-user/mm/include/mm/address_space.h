// SPDX-License-Identifier: MIT
// A GPU address space (amdgpu_vm): page tables in VRAM that the driver writes, and the binds that
// they show. Under the device lock; the chip walks the tables at any time.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/list.h"
#include "base/ref.h"
#include "base/result.h"
#include "mm/bo.h"

namespace fakegpu::mm {

// Addresses that a client may bind: not the first 64 KiB, so that null pointers fault.
inline constexpr uint64_t kVaStart = 0x10000;
inline constexpr uint64_t kVaEnd = 1ull << 47;

// One of its owner's binds.
class BindCharge {
 public:
  explicit BindCharge(base::Ref<Usage> usage) : usage_(std::move(usage)) { ++usage_->binds; }
  BindCharge(BindCharge&& other) noexcept = default;
  BindCharge& operator=(BindCharge&&) = delete;
  ~BindCharge() {
    if (usage_) --usage_->binds;
  }

 private:
  base::Ref<Usage> usage_;
};

// A space's place among those that wait for a VMID.
struct VmidHook : base::ListHook {};

class AddressSpace final : public base::RefCounted, public VmidHook {
 public:
  // `arena` is the driver's own: tables are not the client's memory to see. Tables and binds count
  // in `usage`.
  // `limit_bytes` bounds what the tables may take (-ENOSPC beyond); 0: an eighth of VRAM.
  static base::Result<base::Ref<AddressSpace>> create(MemoryManager& manager,
                                                      base::Ref<Arena> arena,
                                                      base::Ref<Usage> usage,
                                                      uint64_t limit_bytes = 0);

  // Counts in Usage::binds for as long as it is kept.
  struct Bind {
    BoRef bo;
    uint64_t bo_offset;
    uint64_t size;
    bool read_only;
    BindCharge charge;
  };

  // Maps. All or nothing. -EINVAL: misaligned, empty, outside the BO or [kVaStart, kVaEnd);
  // -EEXIST: some of the range is bound; -ENOSPC, -ENOMEM: no room for tables, or their
  // owner is at its limit.
  base::Result<> bind(uint64_t va, BoRef bo, uint64_t bo_offset, uint64_t size, bool read_only);

  // Unmaps the bind that starts at `va` (-ENOENT: none) and gives it back: engines may have its
  // pages in hand until the jobs that were submitted before have retired, so the caller keeps it
  // until then. The caller also invalidates the translations (see needs_flush).
  base::Result<Bind> unbind(uint64_t va);

  // Copies what is bound from `va` on; returns how many bytes there were. For looking at what a
  // client submitted, which it may change meanwhile.
  size_t read(uint64_t va, std::span<std::byte> to) const;

  // VRAM is lost: writes all tables again.
  void rebuild();

  // Never reused while the manager lives, unlike the root table's address.
  uint64_t id() const { return id_; }
  // Root table's physical address, for the VMID's context register.
  hw::PhysAddr root() const { return root_->address(); }
  // Grows with each unbind. A VMID that was last flushed at an older value holds stale
  // translations.
  uint64_t flush_sequence() const { return flush_sequence_; }
  size_t bind_count() const { return binds_.size(); }

 private:
  struct MissingTable {
    uint64_t va;
    unsigned level;
    BoRef table;
  };

  AddressSpace(MemoryManager& manager, base::Ref<Arena> arena, base::Ref<Usage> usage,
               uint64_t limit_bytes, BoRef root);
  // No job may run in the space any more: the tables go back with it.
  ~AddressSpace() override;

  base::Result<> check_range(uint64_t va, const Bo& bo, uint64_t bo_offset, uint64_t size) const;
  // Allocates the tables that [va, va + size) lacks, lowest level first, without linking them.
  base::Result<std::vector<MissingTable>> allocate_tables(uint64_t va, uint64_t size);
  Bo& table(uint64_t va, unsigned level);
  void write_bind(uint64_t va, const Bo& bo, uint64_t bo_offset, uint64_t size, bool read_only);
  // Enters the table `lower` of `level` into the one above.
  void link(uint64_t va, unsigned level, const Bo& lower);
  // Writes the page entries of [va, va + size): `entry`, then `step` more for each further page.
  void write_pages(uint64_t va, uint64_t size, uint64_t entry, uint64_t step);

  MemoryManager& manager_;
  base::Ref<Arena> arena_;
  base::Ref<Usage> usage_;
  uint64_t limit_bytes_;
  uint64_t id_;
  BoRef root_;
  // Every lower table, by the first address that it covers | its level. Entries in VRAM are only
  // written, never read back: a reset may have lost them.
  std::map<uint64_t, BoRef> tables_;
  std::map<uint64_t, Bind> binds_;  // by first virtual address
  uint64_t flush_sequence_ = 1;
};

using AddressSpaceRef = base::Ref<AddressSpace>;

}  // namespace fakegpu::mm
