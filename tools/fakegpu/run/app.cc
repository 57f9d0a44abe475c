// SPDX-License-Identifier: MIT
#include "app.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <fmt/core.h>

#include "fd_message.h"
#include "filter.h"

namespace fakegpu::tools::run {

namespace {

[[noreturn]] void fail(int status, const std::string& what, int error) {
  fmt::print(stderr, "fakegpu run: {}: {}\n", what, std::strerror(error));
  std::fflush(stderr);
  ::_exit(status);
}

[[noreturn]] void become(const App& app, int socket) {
  // The caller's group, for the terminal's signals; gone if the caller was killed meanwhile.
  (void)::setpgid(0, app.process_group);
  for (const std::string& setting : app.environment) ::putenv(const_cast<char*>(setting.c_str()));
  std::vector<char*> argv;
  for (const std::string& word : app.words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const int listener = install_filter(app.stat_family);
  if (listener == -EBUSY)
    fail(kOwnFailure, "another program answers system calls here already", -listener);
  if (listener < 0) fail(kOwnFailure, "seccomp user notification", -listener);
  if (const int error = send_fd(socket, listener)) fail(kOwnFailure, "the agent", -error);
  ::close(listener);
  ::sigprocmask(SIG_SETMASK, &app.signals, nullptr);
  ::execvp(argv[0], argv.data());
  fail(errno == ENOENT ? kNotFound : kCannotRun, app.words[0], errno);
}

}  // namespace

StartedApp start_app(const App& app) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    throw std::runtime_error(fmt::format("socketpair: {}", std::strerror(errno)));
  const umd::OwnedFd ours(sockets[0]);
  umd::OwnedFd theirs(sockets[1]);
  StartedApp started;
  started.pid = ::fork();
  if (started.pid < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (started.pid == 0) become(app, theirs.get());
  theirs = umd::OwnedFd();
  started.listener = receive_fd(ours.get());
  return started;
}

}  // namespace fakegpu::tools::run
