// SPDX-License-Identifier: MIT
// A caller's memory as the driver sees it: the one way in and out of it, whatever the transport.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fakegpu::ioctl {

// copy_from_user and copy_to_user. False: some byte of the range cannot be reached (-EFAULT); the
// bytes before it may have been copied.
class UserMemory {
 public:
  virtual ~UserMemory() = default;
  virtual bool fetch(uint64_t address, std::span<std::byte> to) = 0;
  virtual bool store(uint64_t address, std::span<const std::byte> from) = 0;
};

// Memory that a transport fetched before the call: segments with the caller's addresses. fetch()
// reads from in-segments, store() writes to out-segments; anything else is refused.
class PlannedMemory final : public UserMemory {
 public:
  struct Window {
    uint64_t address;
    std::span<std::byte> bytes;
    bool readable;
    bool writable;
  };

  // The windows' bytes belong to the transport and must outlive this object.
  void add(Window window) { windows_.push_back(window); }
  bool fetch(uint64_t address, std::span<std::byte> to) override;
  bool store(uint64_t address, std::span<const std::byte> from) override;

 private:
  std::vector<Window> windows_;
};

// This process's own memory, for the in-process transport: plain copies, so a bad pointer is the
// caller's crash, as in any library call.
class DirectMemory final : public UserMemory {
 public:
  bool fetch(uint64_t address, std::span<std::byte> to) override;
  bool store(uint64_t address, std::span<const std::byte> from) override;
};

// Another process's memory, or this one's with bad pointers answered rather than crashed on:
// process_vm_readv and process_vm_writev. `tid` may be a thread id.
class ProcessMemory final : public UserMemory {
 public:
  explicit ProcessMemory(int32_t tid) : tid_(tid) {}
  bool fetch(uint64_t address, std::span<std::byte> to) override;
  bool store(uint64_t address, std::span<const std::byte> from) override;

 private:
  int32_t tid_;
};

}  // namespace fakegpu::ioctl
