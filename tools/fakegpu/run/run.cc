// SPDX-License-Identifier: MIT
#include "run.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>

#include <fmt/core.h>

#include "app.h"
#include "owned.h"
#include "relay.h"
#include "session.h"

namespace fakegpu::tools::run {

namespace {

[[noreturn]] void be_agent(const RunOptions& options, const SessionPlace& place) {
  // Of a group of its own, and so is a daemon that it starts: the terminal's signals are for the
  // program.
  ::setpgid(0, 0);
  ::sigprocmask(SIG_SETMASK, &place.signals, nullptr);
  int status = kOwnFailure;
  try {
    serve_session(options, place);
    status = 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fakegpu run: {}\n", error.what());
    std::fflush(stderr);
  }
  ::_exit(status);
}

}  // namespace

int run_app(const RunOptions& options) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    throw std::runtime_error(fmt::format("socketpair: {}", std::strerror(errno)));
  const umd::OwnedFd ours(sockets[0]);
  umd::OwnedFd theirs(sockets[1]);

  SessionPlace place = {.relay = theirs.get(), .process_group = ::getpgrp(), .signals = {}};
  const sigset_t relayed = relayed_signals();
  ::sigprocmask(SIG_BLOCK, &relayed, &place.signals);
  const pid_t agent = ::fork();
  if (agent < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (agent == 0) {
    // Else the end of the other side could not be told.
    ::close(ours.get());
    be_agent(options, place);
  }
  theirs = umd::OwnedFd();
  const End end = relay_signals(ours.get());
  if (end.agent_ends) ::waitpid(agent, nullptr, 0);
  return end.status >= 0 ? end_like(end.status) : kOwnFailure;
}

}  // namespace fakegpu::tools::run
