// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/core.h>
#include <linux/io_uring.h>
#include <fakegpu/fakegpu.hpp>

#include "daemon.h"
#include "demo.h"

namespace fakegpu::tools {

namespace {

void line(bool good, const char* what, const std::string& detail) {
  fmt::print("  {} {:22} {}\n", good ? "ok     " : "missing", what, detail);
}

// Opens and closes a device node. Empty: it works; else why not.
std::string try_open(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::strerror(errno);
  ::close(fd);
  return {};
}

bool has_io_uring() {
  io_uring_params params = {};
  const long fd = ::syscall(SYS_io_uring_setup, 2, &params);
  if (fd < 0) return false;
  ::close(static_cast<int>(fd));
  return true;
}

bool kernel_at_least(int major, int minor) {
  utsname name = {};
  int have_major = 0;
  int have_minor = 0;
  return ::uname(&name) == 0 && std::sscanf(name.release, "%d.%d", &have_major, &have_minor) == 2 &&
         (have_major > major || (have_major == major && have_minor >= minor));
}

void check_machine() {
  fmt::print("this machine\n");
  const std::string cuse = try_open("/dev/cuse");
  line(cuse.empty(), "/dev/cuse",
       cuse.empty() ? "a real character device /dev/fakegpu"
                    : cuse +
                          "; load the module cuse (package linux-image-amd64), or use user-mode "
                          "Linux: tools/dev uml (package user-mode-linux)");
  const std::string fuse = try_open("/dev/fuse");
  line(
      fuse.empty(), "/dev/fuse",
      fuse.empty() ? "the device as a FUSE file" : fuse + "; load the module fuse (package fuse3)");
  const bool passthrough = fuse.empty() && kernel_at_least(6, 9) && ::geteuid() == 0;
  line(passthrough, "FUSE passthrough",
       passthrough ? "mmap of the device file" : "needs Linux 6.9 and root; the channel is used");
  line(has_io_uring(), "io_uring", has_io_uring() ? "the daemon's event loop" : "epoll is used");
  const bool uml = ::access("/usr/bin/linux.uml", X_OK) == 0;
  line(uml, "user-mode Linux", uml ? "real CUSE without root" : "package user-mode-linux");
  const bool strace = ::access("/usr/bin/strace", X_OK) == 0;
  line(strace, "strace", strace ? "shows the ioctls" : "package strace");
  try {
    line(true, "fakegpud", find_program_beside("fakegpud", "cuse-dev"));
  } catch (const std::exception& error) {
    line(false, "fakegpud", error.what());
  }
}

}  // namespace

int print_doctor() {
  check_machine();
  fmt::print("where a client looks for the device\n");
  int chosen = 0;
  fakegpu_discover(
      [](const fakegpu_candidate* candidate, void* data) {
        fmt::print("  {} {:34} {}\n",
                   candidate->chosen        ? "used   "
                   : candidate->result == 0 ? "works  "
                                            : "no     ",
                   candidate->where, candidate->reason);
        *static_cast<int*>(data) += candidate->chosen;
        return 0;
      },
      &chosen);
  if (!chosen) fmt::print("no device can be opened: start fakegpud\n");
  return chosen ? 0 : 1;
}

}  // namespace fakegpu::tools
