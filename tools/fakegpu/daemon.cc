// SPDX-License-Identifier: MIT
#include "daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <fakegpu/device.h>

namespace fakegpu::tools {

namespace fs = std::filesystem;

namespace {

constexpr int kReadyTimeoutMs = 10'000;
// Names the CUSE node of a daemon that was started here, so that it never meets a system's own.
std::string node_name() {
  return "fakegpu-" + std::to_string(::getpid());
}

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

std::string find_program_beside(const std::string& name, const std::string& build_folder) {
  const fs::path self = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& path : {self / name, self / "../.." / build_folder / name})
    if (::access(path.c_str(), X_OK) == 0) return path.lexically_normal();
  throw std::runtime_error(name + " is neither beside this program nor in " +
                           (self / "../.." / build_folder).lexically_normal().string());
}

Daemon::Daemon(const std::string& transport) {
  const std::string program = find_program_beside("fakegpud", "cuse-dev");
  std::string folder = (fs::temp_directory_path() / "fakegpu.XXXXXX").string();
  if (!::mkdtemp(folder.data())) fail("make " + folder);
  folder_ = folder;

  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  const std::vector<std::string> words = {program,       "--foreground",
                                          "--transport", transport,
                                          "--name",      node_name(),
                                          "--mode",      "0666",
                                          "--fuse-dir",  folder_ + "/fs",
                                          "--socket",    folder_ + "/socket",
                                          "--ready-fd",  std::to_string(ready[1])};
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    ::fcntl(ready[1], F_SETFD, 0);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ready[1]);
  try {
    wait_ready(ready[0]);
    find_device();
  } catch (...) {
    ::close(ready[0]);
    take_down();
    throw;
  }
  ::close(ready[0]);
}

Daemon::~Daemon() {
  take_down();
}

void Daemon::take_down() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

void Daemon::wait_ready(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  if (::poll(&poll_fd, 1, kReadyTimeoutMs) != 1)
    throw std::runtime_error("fakegpud did not get ready within 10 s");
  char byte;
  if (::read(fd, &byte, 1) != 1) throw std::runtime_error("fakegpud ended before it was ready");
}

// The best of what the daemon now serves.
void Daemon::find_device() {
  for (const std::string& path :
       {"/dev/" + node_name(), folder_ + "/fs/fakegpu", folder_ + "/socket"}) {
    if (::access(path.c_str(), R_OK | W_OK) == 0) {
      where_ = path;
      return;
    }
  }
  throw std::runtime_error("fakegpud is ready but serves nothing that can be opened");
}

std::string existing_device() {
  std::string where;
  fakegpu_discover(
      [](const fakegpu_candidate* candidate, void* data) {
        if (!candidate->chosen || std::strncmp(candidate->where, "inprocess:", 10) == 0) return 0;
        *static_cast<std::string*>(data) = candidate->where;
        return 1;
      },
      &where);
  return where;
}

void must_be_in_daemon(const Device& device) {
  if (std::string_view(device.transport()) == "inprocess")
    throw std::runtime_error("there is no daemon, only a device of this process: start fakegpud");
}

}  // namespace fakegpu::tools
