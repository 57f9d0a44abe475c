// SPDX-License-Identifier: MIT
// GEM buffer objects and the manager of the two heaps. Under the device lock; the pages themselves
// may be used by engines at any time between creation and destruction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/ref.h"
#include "base/result.h"
#include "fence/resv.h"
#include "hw/function.h"
#include "mm/arena.h"
#include "mm/range_allocator.h"

namespace fakegpu::mm {

enum class Heap : uint8_t { kVram, kSystem };

class MemoryManager;

// What one owner (an open file, or the driver) holds: bytes in each heap, page tables included, and
// what they may be together; and binds in its address spaces. Outlives its BOs and binds by
// reference.
struct Usage final : base::RefCounted {
  explicit Usage(uint64_t limit_bytes = UINT64_MAX) : limit(limit_bytes) {}
  // Whether so much more is allowed.
  bool allows(uint64_t more) const {
    const uint64_t held = bytes[0] + bytes[1];
    return held <= limit && more <= limit - held;
  }

  const uint64_t limit;
  uint64_t bytes[2] = {};
  uint64_t binds = 0;
};

struct BoRequest {
  uint64_t size = 0;       // rounded up to pages
  uint64_t alignment = 0;  // 0: a page
  Heap heap = Heap::kVram;
  bool shareable = false;  // a memfd of its own instead of pages of the arena
};

class Bo final : public base::RefCounted {
 public:
  uint64_t size() const { return size_; }
  // At least a page.
  uint64_t alignment() const { return alignment_; }
  Heap heap() const { return heap_; }
  bool shareable() const { return static_cast<bool>(own_); }
  hw::PhysAddr address() const { return address_; }
  // The pages as the driver's CPU sees them (the BAR).
  std::span<std::byte> bytes() const { return bytes_; }

  // What a client maps: offset `map_offset()` of `map_fd()`. Borrowed.
  int map_fd() const { return own_ ? own_.get() : arena_->fd(); }
  uint64_t map_offset() const { return own_ ? 0 : address_; }

  // Who uses it (drm_gem_object::resv), as far as they say so: implicit synchronization.
  fence::Resv& resv() { return resv_; }

  // The files that have a handle of it and its dma-bufs; more than one: it is shared
  // (drm_gem_object_is_shared_for_memory_stats()).
  void add_user() { ++users_; }
  void remove_user() { --users_; }
  bool shared() const { return users_ > 1; }

 private:
  friend class MemoryManager;
  Bo(MemoryManager& manager, base::Ref<Arena> arena, base::Ref<Usage> usage, base::UniqueFd own);
  // Unbinds and frees the pages: nobody, no engine either, may use them any more.
  ~Bo() override;

  MemoryManager& manager_;
  base::Ref<Arena> arena_;  // null if it has pages of its own
  base::Ref<Usage> usage_;  // its creator's, whoever holds it
  base::UniqueFd own_;
  hw::PhysAddr address_ = 0;
  uint64_t size_ = 0;
  uint64_t alignment_ = 0;
  Heap heap_ = Heap::kVram;
  std::span<std::byte> bytes_;
  fence::Resv resv_;
  unsigned users_ = 0;
};

using BoRef = base::Ref<Bo>;

class MemoryManager {
 public:
  // `memory` outlives the manager, the manager every BO.
  explicit MemoryManager(hw::Memory& memory);

  // Zeroed memory. `arena` gives the pages unless the request is shareable. -EINVAL: size 0,
  // overflow, or alignment not a power of two; -ENOSPC: the heap is full, or `usage` at its limit;
  // -ENOMEM: the system is full.
  base::Result<BoRef> create(const BoRequest& request, base::Ref<Arena> arena,
                             base::Ref<Usage> usage);

  uint64_t heap_size(Heap heap) const { return allocator(heap).size(); }
  uint64_t heap_used(Heap heap) const { return allocator(heap).used(); }
  uint64_t bo_count() const { return bo_count_; }
  hw::Memory& memory() { return memory_; }
  // A name for an address space, from 1.
  uint64_t next_space_id() { return ++last_space_id_; }

 private:
  friend class Bo;
  const RangeAllocator& allocator(Heap heap) const { return heap == Heap::kVram ? vram_ : system_; }
  RangeAllocator& allocator(Heap heap) { return heap == Heap::kVram ? vram_ : system_; }

  hw::Memory& memory_;
  RangeAllocator vram_;
  RangeAllocator system_;
  uint64_t bo_count_ = 0;
  uint64_t last_space_id_ = 0;
};

}  // namespace fakegpu::mm
