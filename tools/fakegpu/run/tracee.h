// SPDX-License-Identifier: MIT
// A thread of the run that waits for the agent's answer, seen from outside: its descriptors, memory
// and paths. Needs the rights of ptrace over it. What is found holds only if the caller still waits
// afterwards (Listener::waits), as thread ids are used again.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ioctl/user_memory.h"
#include "owned.h"

namespace fakegpu::tools::run {

class Tracee {
 public:
  explicit Tracee(pid_t thread) : thread_(thread), memory_(thread) {}

  // A duplicate of its descriptor, with close-on-exec; none: it has no such descriptor, or may not
  // be looked into.
  umd::OwnedFd file(int32_t fd) const;
  // What the descriptor refers to, as O_PATH has it: to look at and to close, which asks no server
  // of a file system. None as above.
  umd::OwnedFd look_at(int32_t fd) const;

  bool fetch(uint64_t address, std::span<std::byte> to) { return memory_.fetch(address, to); }
  bool store(uint64_t address, std::span<const std::byte> from) {
    return memory_.store(address, from);
  }
  // A string, with its end, of less than `limit` bytes.
  std::optional<std::string> text(uint64_t address, size_t limit);

  // Its descriptor table is full.
  bool table_full() const;

  // A file in its folder of /proc.
  std::string proc(const char* name) const;

 private:
  const pid_t thread_;
  ioctl::ProcessMemory memory_;
};

}  // namespace fakegpu::tools::run
