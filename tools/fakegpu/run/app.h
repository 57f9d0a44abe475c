// SPDX-License-Identifier: MIT
// The program of a run, from fork to exec.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "owned.h"

namespace fakegpu::tools::run {

struct App {
  std::vector<std::string> words;        // program and arguments
  std::vector<std::string> environment;  // "NAME=value", in place of what this process has
  pid_t process_group = 0;
  sigset_t signals;          // its mask
  bool stat_family = false;  // of install_filter()
};

struct StartedApp {
  pid_t pid = -1;
  umd::OwnedFd listener;  // none: it has ended, and said why on stderr
};

// What a shell's and env(1)'s exit statuses mean.
inline constexpr int kOwnFailure = 125;
inline constexpr int kCannotRun = 126;
inline constexpr int kNotFound = 127;

// Starts it under the filter. It ends with one of the statuses above if it does not get as far as
// its own main(). Throws std::runtime_error. The process must have no other thread.
StartedApp start_app(const App& app);

}  // namespace fakegpu::tools::run
