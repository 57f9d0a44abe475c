// SPDX-License-Identifier: MIT
#include "memfd_memory.h"

#include <unistd.h>

#include <cerrno>

namespace fakegpu::cuse_dev {
namespace {

// False also if the descriptor ends before.
bool read_at(int fd, uint64_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t got = ::pread(fd, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to = to.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return true;
}

}  // namespace

MemfdMemory::MemfdMemory(uint64_t address, std::span<std::byte> window,
                         std::span<const ioctl::Segment> segments, base::UniqueFd arrays)
    : segments_(segments), arrays_(std::move(arrays)) {
  struct_.add({address, window, true, true});
}

bool MemfdMemory::fetch(uint64_t address, std::span<std::byte> to) {
  if (struct_.fetch(address, to)) return true;
  uint64_t at = 0;
  for (const ioctl::Segment& segment : segments_) {
    const uint64_t offset = address - segment.address;
    if (address >= segment.address && offset <= segment.bytes &&
        to.size() <= segment.bytes - offset)
      return read_at(arrays_.get(), at + offset, to);
    at += segment.bytes;
  }
  return false;
}

bool MemfdMemory::store(uint64_t address, std::span<const std::byte> from) {
  return struct_.store(address, from);
}

}  // namespace fakegpu::cuse_dev
