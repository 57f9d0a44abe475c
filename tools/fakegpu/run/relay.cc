// SPDX-License-Identifier: MIT
#include "relay.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>

namespace fakegpu::tools::run {

namespace {

constexpr int kShellSignal = 128;

// One message; false: nothing more comes.
template <typename T>
bool receive(int socket, T* message) {
  ssize_t got;
  do {
    got = ::recv(socket, message, sizeof(*message), 0);
  } while (got < 0 && errno == EINTR);
  return got == sizeof(*message);
}

template <typename T>
void send(int socket, const T& message) {
  // Fails only if nobody is there to hear it.
  (void)::send(socket, &message, sizeof(message), MSG_NOSIGNAL);
}

}  // namespace

sigset_t relayed_signals() {
  sigset_t signals;
  ::sigfillset(&signals);
  for (const int number : {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGSEGV,
                           SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT})
    ::sigdelset(&signals, number);
  return signals;
}

End relay_signals(int agent) {
  const sigset_t signals = relayed_signals();
  const umd::OwnedFd arriving(::signalfd(-1, &signals, SFD_CLOEXEC));
  for (;;) {
    pollfd waits[2] = {{agent, POLLIN, 0}, {arriving.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return {-1, true};
    if (waits[0].revents != 0) {
      End end;
      return receive(agent, &end) ? end : End{-1, true};
    }
    signalfd_siginfo signal;
    if (waits[1].revents == 0 || ::read(arriving.get(), &signal, sizeof(signal)) < 0) continue;
    // What the kernel sends, for a key or a terminal that is gone, it sends to the program too.
    if (signal.ssi_code != SI_KERNEL) send(agent, static_cast<int>(signal.ssi_signo));
  }
}

int end_like(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const int number = WTERMSIG(status);
  // The program's own core is enough.
  const struct rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(number, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
  return kShellSignal + number;
}

int next_signal(int relay) {
  int number;
  return receive(relay, &number) ? number : 0;
}

void tell_end(int relay, End end) {
  send(relay, end);
}

}  // namespace fakegpu::tools::run
