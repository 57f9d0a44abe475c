// SPDX-License-Identifier: MIT
#include "mm/arena.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "hw/memory.h"

namespace fakegpu::mm {

base::Result<base::Ref<Arena>> Arena::create(uint64_t vram_bytes, uint64_t system_bytes) {
  const uint64_t size = system_bytes ? hw::kSystemBase + system_bytes : vram_bytes;
  auto fd = base::create_sealed_memfd("fakegpu-arena", size);
  if (!fd) return tl::unexpected(std::move(fd).error());
  return base::Ref<Arena>::adopt(new Arena(std::move(*fd), size));
}

void Arena::take(uint64_t offset, uint64_t size) {
  discard(offset, size);
  taken_.emplace(offset, size);
  taken_bytes_ += size;
}

void Arena::give_back(uint64_t offset, uint64_t size) {
  discard(offset, size);
  taken_.erase(offset);
  taken_bytes_ -= size;
}

void Arena::drop_strays() {
  struct stat status;
  if (::fstat(fd_.get(), &status) != 0) return;
  const uint64_t pages = static_cast<uint64_t>(status.st_blocks) * 512;
  const uint64_t margin = std::max<uint64_t>(kStrayBytes, taken_.size() * hw::kPageSize);
  if (pages <= taken_bytes_ + margin) return;
  uint64_t gap = 0;
  for (const auto& [offset, size] : taken_) {
    if (offset > gap) discard(gap, offset - gap);
    gap = offset + size;
  }
  if (size_ > gap) discard(gap, size_ - gap);
}

void Arena::discard(uint64_t offset, uint64_t size) {
  int result;
  do {
    result = ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         static_cast<off_t>(offset), static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    base::log(base::LogLevel::kError, "arena: discard of {:#x} bytes at {:#x} failed: errno {}",
              size, offset, errno);
  }
}

}  // namespace fakegpu::mm
