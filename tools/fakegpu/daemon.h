// SPDX-License-Identifier: MIT
// A fakegpud that a command starts for itself, in a folder of its own, and takes down again.
#pragma once

#include <sys/types.h>

#include <string>

#include <fakegpu/fakegpu.hpp>

namespace fakegpu::tools {

class Daemon {
 public:
  // Starts fakegpud with the best transport that this machine allows and waits until it serves.
  // `transport`: "auto", or what fakegpud's --transport takes. Throws std::runtime_error.
  explicit Daemon(const std::string& transport);
  // SIGTERM, waits, removes the folder.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // For a caller that waits for any child: if this was the daemon, it is gone.
  void note_reaped(pid_t pid) {
    if (pid == pid_) pid_ = -1;
  }

  // For fakegpu_device_open().
  const std::string& where() const { return where_; }

 private:
  void wait_ready(int fd);
  void find_device();
  void take_down();

  std::string folder_;
  std::string where_;
  pid_t pid_ = -1;
};

// Where a device is that is there already, in a daemon; empty: nowhere.
std::string existing_device();

// Throws if the device is one of this process alone: nobody else is there, and what is done to it
// ends with the process.
void must_be_in_daemon(const Device& device);

// The path of a program that was built or installed beside this one; throws if it is not there.
std::string find_program_beside(const std::string& name, const std::string& build_folder);

}  // namespace fakegpu::tools
