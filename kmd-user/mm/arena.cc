// SPDX-License-Identifier: MIT
#include "mm/arena.h"

#include <fcntl.h>

#include "base/log.h"
#include "hw/memory.h"

namespace fakegpu::mm {

base::Result<base::Ref<Arena>> Arena::create(uint64_t vram_bytes, uint64_t system_bytes) {
  const uint64_t size = system_bytes ? hw::kSystemBase + system_bytes : vram_bytes;
  auto fd = base::create_sealed_memfd("fakegpu-arena", size);
  if (!fd) return tl::unexpected(std::move(fd).error());
  return base::Ref<Arena>::adopt(new Arena(std::move(*fd)));
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
