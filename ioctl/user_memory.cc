// SPDX-License-Identifier: MIT
#include "ioctl/user_memory.h"

#include <sys/types.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace fakegpu::ioctl {
namespace {

void* pointer(uint64_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT: ioctl structs keep pointers as numbers
}

bool wraps(uint64_t address, size_t bytes) {
  return bytes != 0 && address + (bytes - 1) < address;
}

// The part of a window at `address`; empty if the window does not have it.
std::span<std::byte> part_at(const PlannedMemory::Window& window, uint64_t address) {
  if (address < window.address || address - window.address >= window.bytes.size()) return {};
  return window.bytes.subspan(address - window.address);
}

using Transfer = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                             unsigned long);

bool move(Transfer transfer, pid_t tid, uint64_t address, std::span<std::byte> local) {
  if (wraps(address, local.size())) return false;
  while (!local.empty()) {
    const iovec here{local.data(), local.size()};
    const iovec there{pointer(address), local.size()};
    const ssize_t moved = transfer(tid, &here, 1, &there, 1, 0);
    if (moved <= 0) return false;
    local = local.subspan(static_cast<size_t>(moved));
    address += static_cast<uint64_t>(moved);
  }
  return true;
}

}  // namespace

bool PlannedMemory::fetch(uint64_t address, std::span<std::byte> to) {
  if (wraps(address, to.size())) return false;
  while (!to.empty()) {
    std::span<const std::byte> from;
    for (const Window& window : windows_) {
      if (!window.readable) continue;
      from = part_at(window, address);
      if (!from.empty()) break;
    }
    if (from.empty()) return false;
    const size_t bytes = std::min(from.size(), to.size());
    std::memcpy(to.data(), from.data(), bytes);
    to = to.subspan(bytes);
    address += bytes;
  }
  return true;
}

// Every byte goes to all the writable windows that have it: the transport copies each of them back,
// and one left stale would undo the other.
bool PlannedMemory::store(uint64_t address, std::span<const std::byte> from) {
  if (wraps(address, from.size())) return false;
  while (!from.empty()) {
    size_t bytes = from.size();
    bool found = false;
    for (const Window& window : windows_) {
      if (!window.writable) continue;
      const std::span<std::byte> to = part_at(window, address);
      if (!to.empty()) {
        bytes = std::min(bytes, to.size());
        found = true;
      } else if (window.address > address && !window.bytes.empty()) {
        bytes = std::min<uint64_t>(bytes, window.address - address);
      }
    }
    if (!found) return false;
    for (const Window& window : windows_)
      if (const std::span<std::byte> to = part_at(window, address); window.writable && !to.empty())
        std::memcpy(to.data(), from.data(), bytes);
    from = from.subspan(bytes);
    address += bytes;
  }
  return true;
}

bool DirectMemory::fetch(uint64_t address, std::span<std::byte> to) {
  if (to.empty()) return true;
  if (address == 0) return false;
  std::memcpy(to.data(), pointer(address), to.size());
  return true;
}

bool DirectMemory::store(uint64_t address, std::span<const std::byte> from) {
  if (from.empty()) return true;
  if (address == 0) return false;
  std::memcpy(pointer(address), from.data(), from.size());
  return true;
}

bool ProcessMemory::fetch(uint64_t address, std::span<std::byte> to) {
  return move(process_vm_readv, tid_, address, to);
}

bool ProcessMemory::store(uint64_t address, std::span<const std::byte> from) {
  // process_vm_writev only reads its local side; iovec has no const form.
  return move(process_vm_writev, tid_, address, {const_cast<std::byte*>(from.data()), from.size()});
}

}  // namespace fakegpu::ioctl
