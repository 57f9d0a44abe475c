// SPDX-License-Identifier: MIT
// Between the process that the user started and the agent: signals go in, the program's end comes
// out.
#pragma once

#include <signal.h>

#include "owned.h"

namespace fakegpu::tools::run {

// What is passed on to the program: all that a process can be sent, except those of job control,
// which the terminal sends to the whole group, and of faults.
sigset_t relayed_signals();

// How the program ended.
struct End {
  int status;       // as waitpid() gives it; -1: the agent is gone without a word
  bool agent_ends;  // and the agent with it, rather than serve what the program left behind
};

// The user's side, which has relayed_signals() blocked. Returns when the agent has told.
End relay_signals(int agent);

// Ends this process as `status` says: by the same signal, or it returns the exit status.
int end_like(int status);

// The agent's side. The number of a signal; 0: the other side is gone.
int next_signal(int relay);
void tell_end(int relay, End end);

}  // namespace fakegpu::tools::run
