// SPDX-License-Identifier: MIT
#include "hw/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace fakegpu::hw {
namespace {

constexpr size_t kWordBits = 64;

// Bits of the word `word` that lie in [first, last].
uint64_t word_mask(size_t word, size_t first, size_t last) {
  uint64_t mask = ~uint64_t{0};
  if (word == first / kWordBits) mask &= ~uint64_t{0} << (first % kWordBits);
  if (word == last / kWordBits) mask &= ~uint64_t{0} >> (kWordBits - 1 - last % kWordBits);
  return mask;
}

// Turns mapped pages back into reserved address space.
bool release_pages(std::byte* at, uint64_t size) {
  return ::mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

bool page_aligned(uint64_t value) {
  return value % kPageSize == 0;
}

}  // namespace

Memory::Range::Range(base::Mapping reserved) : bytes(std::move(reserved)) {
  const size_t pages = bytes.size() / kPageSize;
  bound = std::make_unique<std::atomic<uint64_t>[]>((pages + kWordBits - 1) / kWordBits);
}

bool Memory::Range::all(size_t first, size_t last, bool expected) const {
  size_t word = first / kWordBits;
  if (word == last / kWordBits) {  // as few pages mostly are
    const uint64_t mask = ~uint64_t{0} >> (kWordBits - 1 - (last - first));
    const uint64_t bits = bound[word].load(std::memory_order_acquire) >> (first % kWordBits) & mask;
    return bits == (expected ? mask : 0);
  }
  for (; word <= last / kWordBits; ++word) {
    const uint64_t mask = word_mask(word, first, last);
    const uint64_t bits = bound[word].load(std::memory_order_acquire) & mask;
    if (bits != (expected ? mask : 0)) return false;
  }
  return true;
}

void Memory::Range::mark(size_t first, size_t last, bool value) {
  for (size_t word = first / kWordBits; word <= last / kWordBits; ++word) {
    const uint64_t mask = word_mask(word, first, last);
    if (value) {
      bound[word].fetch_or(mask, std::memory_order_release);
    } else {
      bound[word].fetch_and(~mask, std::memory_order_release);
    }
  }
}

base::Result<std::unique_ptr<Memory>> Memory::create(uint64_t vram_bytes, uint64_t system_bytes) {
  for (const uint64_t size : {vram_bytes, system_bytes})
    if (size == 0 || !page_aligned(size) || size > kSystemBase)
      return base::fail(EINVAL, "memory of {:#x} bytes: not pages, or more than 1 TiB", size);
  auto vram = base::Mapping::reserve(vram_bytes);
  if (!vram) return tl::unexpected(std::move(vram).error());
  auto system = base::Mapping::reserve(system_bytes);
  if (!system) return tl::unexpected(std::move(system).error());
  return std::unique_ptr<Memory>(new Memory(*std::move(vram), *std::move(system)));
}

Memory::Memory(base::Mapping vram, base::Mapping system)
    : vram_(std::move(vram)), system_(std::move(system)) {}

const Memory::Range* Memory::find(PhysAddr at, uint64_t size, uint64_t* offset) const {
  const bool is_system = at >= kSystemBase;
  const Range& range = is_system ? system_ : vram_;
  *offset = is_system ? at - kSystemBase : at;
  return size <= range.size() && *offset <= range.size() - size ? &range : nullptr;
}

Memory::Range* Memory::find(PhysAddr at, uint64_t size, uint64_t* offset) {
  return const_cast<Range*>(std::as_const(*this).find(at, size, offset));
}

base::Result<> Memory::bind(PhysAddr at, uint64_t size, int fd, uint64_t offset) {
  if (size == 0 || !page_aligned(at) || !page_aligned(size) || !page_aligned(offset))
    return base::fail(EINVAL, "bind {:#x} bytes at {:#x} from {:#x}: not pages", size, at, offset);
  uint64_t start;
  Range* range = find(at, size, &start);
  if (!range) return base::fail(EINVAL, "bind {:#x} bytes at {:#x}: no such memory", size, at);
  // Pages past the end of the file would raise SIGBUS in whoever touches them.
  struct stat status;
  if (::fstat(fd, &status) != 0) return base::fail_errno("fstat");
  const uint64_t file = static_cast<uint64_t>(status.st_size);
  if (size > file || offset > file - size)
    return base::fail(EINVAL, "bind {:#x} bytes from {:#x}: the file has {:#x}", size, offset,
                      file);

  base::MutexLock lock(mutex_);
  const size_t first = start / kPageSize;
  const size_t last = (start + size - 1) / kPageSize;
  if (!range->all(first, last, false))
    return base::fail(EEXIST, "bind {:#x} bytes at {:#x}: bound already", size, at);
  std::byte* const target = range->bytes.data() + start;
  if (::mmap(target, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
             static_cast<off_t>(offset)) == MAP_FAILED) {
    auto error = base::fail_errno("bind: mmap");
    // A failed MAP_FIXED may leave a hole that somebody else's mmap could fill.
    release_pages(target, size);
    return error;
  }
  range->mark(first, last, true);
  return {};
}

void Memory::unbind(PhysAddr at, uint64_t size) {
  uint64_t start;
  Range* range = find(at, size, &start);
  if (!range || size == 0) return;
  base::MutexLock lock(mutex_);
  range->mark(start / kPageSize, (start + size - 1) / kPageSize, false);
  // Without address space for the split the pages stay mapped, but at() no longer hands them out
  // and the next bind replaces them.
  if (!release_pages(range->bytes.data() + start, size))
    base::log(base::LogLevel::kWarning, "unbind {:#x} bytes at {:#x}: pages stay mapped", size, at);
}

std::span<std::byte> Memory::at(PhysAddr at, uint64_t size) const {
  uint64_t start;
  const Range* range = find(at, size, &start);
  if (!range || size == 0) return {};
  if (!range->all(start / kPageSize, (start + size - 1) / kPageSize, true)) return {};
  return range->bytes.bytes().subspan(start, size);
}

void Memory::lose_vram() {
  base::MutexLock lock(mutex_);
  const size_t pages = vram_.size() / kPageSize;
  for (size_t page = 0; page < pages;) {
    if (!vram_.all(page, page, true)) {
      ++page;
      continue;
    }
    size_t end = page + 1;
    while (end < pages && vram_.all(end, end, true)) ++end;
    std::byte* const at = vram_.bytes.data() + page * kPageSize;
    const size_t size = (end - page) * kPageSize;
    // Punching holes costs no memory; a sealed or foreign file may refuse it.
    if (::madvise(at, size, MADV_REMOVE) != 0) std::memset(at, 0, size);
    page = end;
  }
}

}  // namespace fakegpu::hw
