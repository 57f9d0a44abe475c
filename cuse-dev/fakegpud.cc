// SPDX-License-Identifier: MIT
// The daemon: options, signals, and the loop.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdlib>

#include "base/log.h"
#include "descriptor_limit.h"
#include "loop.h"
#include "options.h"
#include "readiness.h"
#include "server.h"

namespace fakegpu::cuse_dev {
namespace {

// Before any thread is made, as threads inherit the mask.
base::Result<base::UniqueFd> catch_signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  base::UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return base::fail_errno("signalfd");
  return fd;
}

bool take_signal(int fd) {
  signalfd_siginfo info;
  return ::read(fd, &info, sizeof(info)) == sizeof(info);
}

void tell_ready(const Options& options) {
  write_ready(options.ready_fd);
  const char* address = getenv("NOTIFY_SOCKET");
  if (address == nullptr) return;
  if (auto told = notify(address, "READY=1"); !told)
    base::log(base::LogLevel::kWarning, "{}", told.error().message());
}

base::Result<bool> serve(const Options& options) {
  auto signals = catch_signals();
  if (!signals) return tl::unexpected(std::move(signals).error());
  // Memory of clients passes through here; nobody of the same user is to read it by /proc or
  // ptrace.
  if (geteuid() != 0) prctl(PR_SET_DUMPABLE, 0);
  if (auto limit = raise_descriptor_limit(); !limit)
    base::log(base::LogLevel::kWarning, "{}", limit.error().message());
  auto loop = make_loop(options.loop);
  if (!loop) return tl::unexpected(std::move(loop).error());
  auto transports = make_transports(options, **loop);
  if (!transports) return tl::unexpected(std::move(transports).error());
  auto server = Server::create(options, **loop, std::move(*transports));
  if (!server) return tl::unexpected(std::move(server).error());
  const Loop::WatchId signal_watch =
      (*loop)->watch(signals->get(), [fd = signals->get(), &loop = **loop] {
        if (!take_signal(fd)) return false;
        loop.stop();
        return true;
      });
  (*loop)->post([&] { tell_ready(options); });
  (*loop)->run();
  (*loop)->unwatch(signal_watch);
  return !(*server)->lost();
}

}  // namespace
}  // namespace fakegpu::cuse_dev

int main(int argc, char** argv) {
  using namespace fakegpu;
  const cuse_dev::ParsedOptions parsed = cuse_dev::parse_options(argc, argv);
  if (parsed.status) return *parsed.status;
  base::set_log_level(parsed.options.log_level);
  const auto served = cuse_dev::serve(parsed.options);
  if (!served) {
    base::log_line(base::LogLevel::kError, "fakegpud: " + served.error().message());
    return EXIT_FAILURE;
  }
  return *served ? EXIT_SUCCESS : EXIT_FAILURE;
}
