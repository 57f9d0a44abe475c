// SPDX-License-Identifier: MIT
#include "stat_calls.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <string>

#include "tracee.h"

namespace fakegpu::tools::run {

namespace {

constexpr int kNumbers[] = {
#ifdef SYS_stat
    SYS_stat,  SYS_lstat,
#endif
    SYS_fstat, SYS_newfstatat, SYS_statx,
};

// What each of them asks for.
struct Question {
  int folder = AT_FDCWD;  // or the file itself if there is no path
  std::optional<uint64_t> path;
  int flags = 0;  // AT_*
  uint64_t buffer = 0;
  bool extended = false;  // statx
  unsigned mask = 0;      // of statx
};

std::optional<Question> question_of(const struct seccomp_data& data) {
  const auto& args = data.args;
  const auto descriptor = static_cast<int>(args[0]);
  switch (data.nr) {
#ifdef SYS_stat
    case SYS_stat:
      return Question{.path = args[0], .buffer = args[1]};
    case SYS_lstat:
      return Question{.path = args[0], .flags = AT_SYMLINK_NOFOLLOW, .buffer = args[1]};
#endif
    case SYS_fstat:
      return Question{.folder = descriptor, .buffer = args[1]};
    case SYS_newfstatat:
      return Question{.folder = descriptor,
                      .path = args[1],
                      .flags = static_cast<int>(args[3]),
                      .buffer = args[2]};
    case SYS_statx:
      return Question{.folder = descriptor,
                      .path = args[1],
                      .flags = static_cast<int>(args[2]),
                      .buffer = args[4],
                      .extended = true,
                      .mask = static_cast<unsigned>(args[3])};
    default:
      return std::nullopt;
  }
}

umd::OwnedFd open_path(int folder, const std::string& path, int flags, uint64_t resolve) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(O_PATH | O_CLOEXEC | flags);
  how.resolve = resolve;
  return umd::OwnedFd(
      static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how))));
}

// "/proc/self/fd/3": names a descriptor of whoever says it, so it is not looked up from here.
std::optional<std::string> descriptor_named_by(const std::string& path) {
  for (const char* const folder : {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"})
    if (path.starts_with(folder)) return "fd/" + path.substr(std::string(folder).size());
  return std::nullopt;
}

// The file as the caller would find it, not opened; none: the kernel may tell the caller why.
umd::OwnedFd find(Tracee& tracee, const Question& question) {
  const std::string descriptor = "fd/" + std::to_string(question.folder);
  const bool may_be_empty = (question.flags & AT_EMPTY_PATH) != 0;
  std::string path;
  if (question.path && !(may_be_empty && *question.path == 0)) {
    const auto text = tracee.text(*question.path, PATH_MAX);
    if (!text || (text->empty() && !may_be_empty)) return umd::OwnedFd();
    path = *text;
  }
  const bool follow = (question.flags & AT_SYMLINK_NOFOLLOW) == 0;
  if (path.empty())
    return open_path(AT_FDCWD,
                     tracee.proc(question.folder == AT_FDCWD ? "cwd" : descriptor.c_str()), 0, 0);
  if (const auto named = descriptor_named_by(path); named && follow)
    return open_path(AT_FDCWD, tracee.proc(named->c_str()), 0, 0);
  const bool absolute = path.starts_with('/');
  const char* const from = absolute                      ? "root"
                           : question.folder == AT_FDCWD ? "cwd"
                                                         : descriptor.c_str();
  const umd::OwnedFd folder = open_path(AT_FDCWD, tracee.proc(from), O_DIRECTORY, 0);
  if (!folder) return umd::OwnedFd();
  return open_path(folder.get(), path, follow ? 0 : O_NOFOLLOW,
                   absolute ? RESOLVE_IN_ROOT : RESOLVE_NO_MAGICLINKS);
}

constexpr mode_t as_character_device(mode_t mode) {
  return (mode & ~mode_t{S_IFMT}) | S_IFCHR;
}

int store(Tracee& tracee, const Question& question, int file, dev_t number) {
  if (!question.extended) {
    struct stat status;
    if (::fstat(file, &status) != 0) return -errno;
    status.st_mode = as_character_device(status.st_mode);
    status.st_rdev = number;
    status.st_size = 0;
    return tracee.store(question.buffer, std::as_bytes(std::span(&status, 1))) ? 0 : -EFAULT;
  }
  struct statx status;
  if (::statx(file, "", AT_EMPTY_PATH, question.mask, &status) != 0) return -errno;
  status.stx_mode = static_cast<uint16_t>(as_character_device(status.stx_mode));
  status.stx_rdev_major = major(number);
  status.stx_rdev_minor = minor(number);
  status.stx_size = 0;
  return tracee.store(question.buffer, std::as_bytes(std::span(&status, 1))) ? 0 : -EFAULT;
}

}  // namespace

std::span<const int> stat_call_numbers() {
  return kNumbers;
}

bool StatCalls::answer(const Listener& listener, const struct seccomp_notif& call) const {
  const auto question = question_of(call.data);
  if (!question) return false;
  Tracee tracee(static_cast<pid_t>(call.pid));
  const umd::OwnedFd file = find(tracee, *question);
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0) {
    listener.pass(call);
    return true;
  }
  const auto node = std::ranges::find_if(nodes_, [&](const ShownNode& shown) {
    return shown.device == status.st_dev && shown.inode == status.st_ino;
  });
  if (node == nodes_.end() || !listener.waits(call))
    listener.pass(call);
  else
    listener.answer(call, store(tracee, *question, file.get(), node->number));
  return true;
}

}  // namespace fakegpu::tools::run
