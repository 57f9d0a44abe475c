// SPDX-License-Identifier: MIT
#include "session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fakegpu/device.h>

#include "agent.h"
#include "app.h"
#include "daemon.h"
#include "dri_nodes.h"
#include "layered_folder.h"
#include "relay.h"

namespace fakegpu::tools::run {

namespace {

// The node that a client would use; empty: there is none.
std::string find_node() {
  std::string found;
  fakegpu_discover(
      [](const struct fakegpu_candidate* candidate, void* data) {
        const std::string_view transport = candidate->transport;
        if (candidate->result != 0 || (transport != "cuse" && transport != "fuse")) return 0;
        *static_cast<std::string*>(data) = candidate->where;
        return 1;
      },
      &found);
  return found;
}

class Session {
 public:
  Session(const RunOptions& options, const SessionPlace& place) : place_(place) {
    app_.words = options.words;
    app_.process_group = place.process_group;
    app_.signals = place.signals;
    find_device(options);
    if (options.dri) show_nodes();
  }

  void run();

 private:
  void find_device(const RunOptions& options);
  void show_nodes();
  void reap();
  void relay_signal();
  void let_relay_go();
  bool ended() const { return status_.has_value(); }

  const SessionPlace place_;
  std::unique_ptr<Daemon> daemon_;
  std::string where_;  // of the device; empty: as the program finds it itself
  App app_;
  std::optional<StatCalls> stat_calls_;
  pid_t pid_ = -1;
  std::optional<int> status_;  // of waitpid(), once it has ended
  bool told_ = false;
};

void Session::find_device(const RunOptions& options) {
  where_ = options.device;
  if (where_.empty()) {
    const char* const setting = ::getenv("FAKEGPU_DEVICE");
    where_ = setting != nullptr && *setting != '\0' ? setting : find_node();
  }
  if (where_.empty()) {
    daemon_ = std::make_unique<Daemon>("auto");
    where_ = daemon_->where();
  }
  app_.environment.push_back("FAKEGPU_DEVICE=" + where_);
}

void Session::show_nodes() {
  const DriNodes nodes = find_dri_nodes(where_);
  leave_mount_namespace();
  std::vector<ShownNode> shown = show_dri_nodes(nodes);
  // What it sees is no sysfs, and libudev would refuse it for that.
  app_.environment.push_back("SYSTEMD_DEVICE_VERIFY_SYSFS=0");
  app_.stat_family = !shown.empty();
  if (app_.stat_family) stat_calls_.emplace(std::move(shown));
}

// Everybody that has ended: the program, what it left behind, the daemon.
void Session::reap() {
  int status;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == pid_) status_ = status;
    if (daemon_) daemon_->note_reaped(pid);
  }
}

void Session::relay_signal() {
  const int number = next_signal(place_.relay);
  // Whoever killed this side's parent meant the program.
  if (!ended()) ::kill(pid_, number != 0 ? number : SIGKILL);
  if (number == 0) told_ = true;
}

// The user's side goes on while this process still serves what the program left behind.
void Session::let_relay_go() {
  const umd::OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
  tell_end(place_.relay, {.status = *status_, .agent_ends = false});
  told_ = true;
}

void Session::run() {
  sigset_t children;
  ::sigemptyset(&children);
  ::sigaddset(&children, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &children, nullptr);
  const umd::OwnedFd child_ended(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);

  StartedApp started = start_app(app_);
  pid_ = started.pid;
  bool alone = !started.listener;
  // Never destroyed: its threads may be held by the device.
  Agent* const agent =
      alone ? nullptr : new Agent(std::move(started.listener), std::move(stat_calls_));

  for (;;) {
    reap();
    if (ended()) {
      if (alone || agent->is_alone()) break;
      if (!told_) let_relay_go();
    }
    pollfd waits[3] = {{child_ended.get(), POLLIN, 0},
                       {told_ ? -1 : place_.relay, POLLIN, 0},
                       {alone ? -1 : agent->fd(), 0, 0}};
    if (::poll(waits, 3, -1) < 0) continue;
    signalfd_siginfo ignored;
    while (::read(child_ended.get(), &ignored, sizeof(ignored)) > 0) {
    }
    if (waits[1].revents != 0) relay_signal();
    if (waits[2].revents != 0) alone = true;
  }
  daemon_.reset();
  if (!told_) tell_end(place_.relay, {.status = *status_, .agent_ends = true});
}

}  // namespace

void serve_session(const RunOptions& options, const SessionPlace& place) {
  Session(options, place).run();
}

}  // namespace fakegpu::tools::run
