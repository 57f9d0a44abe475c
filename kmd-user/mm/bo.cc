// SPDX-License-Identifier: MIT
#include "mm/bo.h"

#include <algorithm>
#include <bit>

namespace fakegpu::mm {

Bo::Bo(MemoryManager& manager, base::Ref<Arena> arena, base::Ref<Usage> usage, base::UniqueFd own)
    : manager_(manager), arena_(std::move(arena)), usage_(std::move(usage)), own_(std::move(own)) {}

Bo::~Bo() {
  manager_.memory_.unbind(address_, size_);
  // A memfd of its own lives on for whoever else holds it.
  if (!own_) arena_->give_back(address_, size_);
  manager_.allocator(heap_).release(address_, size_);
  usage_->bytes[static_cast<size_t>(heap_)] -= size_;
  --manager_.bo_count_;
}

MemoryManager::MemoryManager(hw::Memory& memory)
    : memory_(memory),
      vram_(0, memory.vram_bytes()),
      system_(hw::kSystemBase, memory.system_bytes()) {}

base::Result<BoRef> MemoryManager::create(const BoRequest& request, base::Ref<Arena> arena,
                                          base::Ref<Usage> usage) {
  if (request.size == 0 || request.size > UINT64_MAX - (hw::kPageSize - 1))
    return base::fail(EINVAL, "BO of {:#x} bytes", request.size);
  if (request.alignment && !std::has_single_bit(request.alignment))
    return base::fail(EINVAL, "alignment {:#x} is not a power of two", request.alignment);
  const uint64_t size = (request.size + hw::kPageSize - 1) & ~(hw::kPageSize - 1);
  const uint64_t alignment = std::max(request.alignment, hw::kPageSize);
  if (!usage->allows(size))
    return base::fail(ENOSPC, "{:#x} bytes more than {:#x} + {:#x} exceed the limit of {:#x}", size,
                      usage->bytes[0], usage->bytes[1], usage->limit);

  RangeAllocator& ranges = allocator(request.heap);
  const auto address = ranges.allocate(size, alignment);
  if (!address) return tl::unexpected(address.error());

  const auto pages = [&]() -> base::Result<base::UniqueFd> {
    base::UniqueFd own;
    if (request.shareable) {
      auto memfd = base::create_sealed_memfd("fakegpu-bo", size);
      if (!memfd) return memfd;
      own = std::move(*memfd);
    } else {
      // The arena's holder can have written here before the range was a BO.
      arena->take(*address, size);
    }
    FAKEGPU_TRY(memory_.bind(*address, size, own ? own.get() : arena->fd(), own ? 0 : *address));
    return own;
  };
  auto own = pages();
  if (!own) {
    if (!request.shareable) arena->give_back(*address, size);
    ranges.release(*address, size);
    return tl::unexpected(std::move(own).error());
  }

  // One that may be in other hands does not keep its creator's arena.
  if (request.shareable) arena.reset();
  auto bo = BoRef::adopt(new Bo(*this, std::move(arena), std::move(usage), std::move(*own)));
  bo->address_ = *address;
  bo->size_ = size;
  bo->alignment_ = alignment;
  bo->heap_ = request.heap;
  bo->bytes_ = memory_.at(*address, size);
  bo->usage_->bytes[static_cast<size_t>(request.heap)] += size;
  ++bo_count_;
  return bo;
}

}  // namespace fakegpu::mm
