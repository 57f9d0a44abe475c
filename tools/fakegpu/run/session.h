// SPDX-License-Identifier: MIT
// The agent's process: it prepares what the program is to find, starts it, serves it, and cleans
// up.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "run.h"

namespace fakegpu::tools::run {

struct SessionPlace {
  int relay;            // to the process that the user started
  pid_t process_group;  // of that process, ...
  sigset_t signals;     // ... and its signal mask
};

// Returns when no process of the run is left and nothing else is, either. Tells the relay how the
// program ended: at the end, or earlier if it leaves others behind. Throws std::runtime_error, with
// no program running then.
void serve_session(const RunOptions& options, const SessionPlace& place);

}  // namespace fakegpu::tools::run
