// SPDX-License-Identifier: MIT
#include "daemon_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace fakegpu::support {

namespace fs = std::filesystem;

namespace {

// A machine under load, or a guest, is slow; the meson timeout ends what never gets ready.
constexpr int kReadyTimeoutMs = 60'000;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& program, const std::string& transport,
                             const std::vector<std::string>& options, bool beside) {
  // The files of a guest come from its host, where the guest's sockets do not work; its /run is its
  // own.
  const fs::path base = transport == "cuse" ? fs::path("/run") : fs::temp_directory_path();
  folder_ = (base / "fakegpu-test.XXXXXX").string();
  if (!::mkdtemp(folder_.data())) fail("make " + folder_);
  // Clients may be of other users.
  if (::chmod(folder_.c_str(), 0755) != 0) fail("chmod " + folder_);
  const std::string name = fs::path(folder_).filename().string();
  where_ = transport == "cuse"   ? "/dev/" + name
           : transport == "fuse" ? folder_ + "/fs/fakegpu"
                                 : folder_ + "/socket";
  card_ = transport == "cuse"   ? "/dev/dri/card0"
          : transport == "fuse" ? folder_ + "/fs/card0"
                                : "card:" + where_;
  if (transport == "cuse") sw_sync_ = "/dev/sw_sync";
  if (transport == "fuse") sw_sync_ = folder_ + "/fs/sw_sync";

  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  std::vector<std::string> words = {program,       "--foreground",
                                    "--transport", transport,
                                    "--name",      name,
                                    "--fuse-dir",  folder_ + "/fs",
                                    "--socket",    folder_ + "/socket",
                                    "--ready-fd",  std::to_string(ready[1])};
  if (transport == "cuse" && beside)
    words.insert(words.end(), {"--sw-sync", ""});
  else if (transport == "cuse")
    words.insert(words.end(), {"--card", "dri/card0", "--render", "dri/renderD128"});
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    // A test that crashes takes its daemon along.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::fcntl(ready[1], F_SETFD, 0);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(ready[1]);
  try {
    wait_ready(ready[0]);
  } catch (...) {
    ::close(ready[0]);
    end(SIGKILL);
    throw;
  }
  ::close(ready[0]);
}

DaemonProcess::~DaemonProcess() {
  end(SIGTERM);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

int DaemonProcess::end(int signal) {
  if (pid_ < 0) return 0;
  int status = 0;
  ::kill(pid_, signal);
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

void DaemonProcess::wait_ready(int fd) {
  pollfd poll_fd = {fd, POLLIN, 0};
  if (::poll(&poll_fd, 1, kReadyTimeoutMs) != 1)
    throw std::runtime_error("fakegpud did not get ready");
  char byte;
  if (::read(fd, &byte, 1) != 1) throw std::runtime_error("fakegpud ended before it was ready");
}

}  // namespace fakegpu::support
