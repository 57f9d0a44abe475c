// SPDX-License-Identifier: MIT
#include "pipe_signal.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace fakegpu::drv {

void signal_pipe(int write_end) {
  sigset_t broken_pipe;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  ::sigpending(&pending);
  const char byte = 0;
  const bool broken = ::write(write_end, &byte, 1) < 0 && errno == EPIPE;
  // The one that this write has raised; another was there before.
  if (broken && ::sigismember(&pending, SIGPIPE) == 0) {
    const timespec now = {};
    while (::sigtimedwait(&broken_pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace fakegpu::drv
