// SPDX-License-Identifier: MIT
// Which process a thread belongs to, as /proc shows it. For those who are told by the kernel which
// thread asks (FUSE), and must know whether it is the same process as another one.
#pragma once

#include <cstdint>
#include <string>

namespace fakegpu::base {

// A process, unlike all others before and after it (struct pid). A thread that /proc does not show
// stands for itself, and pid 0 for nobody: it equals nothing, itself included.
struct Process {
  int32_t pid = 0;
  uint64_t started = 0;  // clock ticks since boot; 0: not known

  friend bool operator==(const Process& a, const Process& b) {
    return a.pid != 0 && a.pid == b.pid && a.started == b.started;
  }
};

// `thread`: a process or thread id of our PID namespace. Any thread; reads two files.
Process process_of(int32_t thread);

// The name of the command that `thread` runs (get_task_comm()); "" if it is not to be seen.
std::string command_of(int32_t thread);

}  // namespace fakegpu::base
