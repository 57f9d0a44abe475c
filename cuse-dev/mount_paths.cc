// SPDX-License-Identifier: MIT
#include "mount_paths.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {
namespace {

// A mount whose daemon is gone answers everything with this.
bool is_dead(int error) {
  return error == ENOTCONN || error == ECONNABORTED;
}

base::Result<> detach(const std::string& path) {
  base::log(base::LogLevel::kInfo, "detaching a dead mount from {}", path);
  if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno != EPERM) return base::fail_errno("umount " + path);
  // The user's own mount: fusermount3 has the right.
  std::string command[] = {"fusermount3", "-u", "-q", "-z", path};
  char* argv[] = {command[0].data(), command[1].data(), command[2].data(),
                  command[3].data(), command[4].data(), nullptr};
  pid_t child;
  int status = 0;
  if (posix_spawnp(&child, argv[0], nullptr, nullptr, argv, environ) != 0 ||
      waitpid(child, &status, 0) < 0 || status != 0)
    return base::fail(EPERM, "cannot unmount the dead {}", path);
  return {};
}

std::string link_target(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(path, error);
  return error ? std::string() : target.string();
}

}  // namespace

base::Result<> detach_dead_mount(const std::string& path, const std::string& file) {
  struct stat status;
  // Mounts can lie on each other.
  while (::stat((path + "/" + file).c_str(), &status) != 0 && is_dead(errno))
    FAKEGPU_TRY(detach(path));
  return {};
}

base::Result<> prepare_mount_point(const std::string& path, const std::string& file) {
  FAKEGPU_TRY(detach_dead_mount(path, file));
  struct stat status;
  if (::stat((path + "/" + file).c_str(), &status) == 0)
    return base::fail(EBUSY, "{} is served by another daemon", path);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return base::fail(error.value(), "cannot make the directory {}", path);
  return {};
}

base::Result<> prepare_bind_target(const std::string& path) {
  struct stat status;
  while (::lstat(path.c_str(), &status) != 0) {
    if (is_dead(errno)) {
      FAKEGPU_TRY(detach(path));
      continue;
    }
    if (errno != ENOENT) return base::fail_errno(path);
    base::UniqueFd made(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
    if (!made) return base::fail_errno(path);
    return {};
  }
  if (!S_ISREG(status.st_mode) || status.st_size != 0)
    return base::fail(EEXIST, "{} exists and is not an empty file", path);
  return {};
}

base::Result<> make_link(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) == 0) return {};
  if (errno != EEXIST) return base::fail_errno("symlink " + path);
  if (link_target(path) == target) return {};
  return base::fail(EEXIST, "{} exists and is not a link to {}", path, target);
}

void remove_link(const std::string& target, const std::string& path) {
  if (link_target(path) == target) ::unlink(path.c_str());
}

}  // namespace fakegpu::cuse_dev
