// SPDX-License-Identifier: MIT
#include "layered_folder.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fmt/core.h>

#include "owned.h"

namespace fakegpu::tools::run {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

void write_file(const std::string& path, const std::string& text) {
  const umd::OwnedFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail(path);
}

void enter_user_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    fail("--dri needs a mount namespace, and this user may have none");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", fmt::format("{0} {0} 1", user));
  write_file("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
}

void make_target(const fs::path& path, bool folder) {
  if (folder ? ::mkdir(path.c_str(), 0755) != 0
             : !umd::OwnedFd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)))
    fail(path);
}

}  // namespace

void leave_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM) fail("a mount namespace");
    enter_user_namespace();
  }
  // What the system mounts still arrives here; what is mounted here stays here.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) fail("the mounts of /");
}

void bind(const std::string& from, const std::string& to) {
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    fail("bind " + from + " on " + to);
}

void layer_folder(const std::string& path, const std::set<std::string>& hidden) {
  // Its descriptor leads below the mount that is to cover it.
  const umd::OwnedFd covered(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!covered) fail(path);
  const fs::path below = fmt::format("/proc/self/fd/{}", covered.get());
  if (::mount("fakegpu", path.c_str(), "tmpfs", MS_NOSUID, "mode=0755") != 0)
    fail("mount on " + path);
  for (const fs::directory_entry& entry : fs::directory_iterator(below / "")) {
    const std::string name = entry.path().filename();
    if (hidden.contains(name)) continue;
    const fs::path here = fs::path(path) / name;
    if (entry.is_symlink()) {
      fs::create_symlink(fs::read_symlink(entry.path()), here);
      continue;
    }
    make_target(here, entry.is_directory());
    bind(entry.path(), here);
  }
}

}  // namespace fakegpu::tools::run
