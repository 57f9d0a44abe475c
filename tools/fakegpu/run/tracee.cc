// SPDX-License-Identifier: MIT
#include "tracee.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace fakegpu::tools::run {

namespace {

// PIDFD_THREAD, of Linux 6.9: the thread's own descriptor table, should it not share its process's.
constexpr unsigned kPidfdThread = O_EXCL;
constexpr size_t kPage = 4096;

// A number of /proc/THREAD/status; -1: not there.
int64_t status_field(const std::string& path, const char* name) {
  std::ifstream status(path);
  const std::string wanted = std::string(name) + ":";
  for (std::string word; status >> word;) {
    int64_t value;
    if (word == wanted && status >> value) return value;
  }
  return -1;
}

}  // namespace

std::string Tracee::proc(const char* name) const {
  return "/proc/" + std::to_string(thread_) + "/" + name;
}

umd::OwnedFd Tracee::file(int32_t fd) const {
  if (fd < 0) return umd::OwnedFd();
  int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, thread_, kPidfdThread));
  if (pidfd < 0 && errno == EINVAL) {
    // An older kernel names processes only.
    const auto process = static_cast<pid_t>(status_field(proc("status"), "Tgid"));
    if (process > 0) pidfd = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  }
  const umd::OwnedFd held(pidfd);
  return umd::OwnedFd(held ? static_cast<int>(::syscall(SYS_pidfd_getfd, held.get(), fd, 0)) : -1);
}

umd::OwnedFd Tracee::look_at(int32_t fd) const {
  return umd::OwnedFd(
      ::open(proc(("fd/" + std::to_string(fd)).c_str()).c_str(), O_PATH | O_CLOEXEC));
}

std::optional<std::string> Tracee::text(uint64_t address, size_t limit) {
  std::string text;
  while (text.size() < limit) {
    // Up to the end of the page: the next one need not be there.
    char part[kPage];
    const size_t bytes = std::min(kPage - address % kPage, limit - text.size());
    if (!fetch(address, std::as_writable_bytes(std::span(part, bytes)))) return std::nullopt;
    const size_t length = ::strnlen(part, bytes);
    text.append(part, length);
    if (length < bytes) return text;
    address += bytes;
  }
  return std::nullopt;
}

bool Tracee::table_full() const {
  struct rlimit limit = {};
  if (::prlimit(thread_, RLIMIT_NOFILE, nullptr, &limit) != 0) return false;
  // The table grows as it fills, so this settles it for nearly everybody.
  const int64_t room = status_field(proc("status"), "FDSize");
  if (room < 0 || static_cast<uint64_t>(room) < limit.rlim_cur) return false;
  // Those above the limit are left from before it was lowered.
  uint64_t below = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc("fd"), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    uint64_t number = UINT64_MAX;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number < limit.rlim_cur) ++below;
  }
  return !error && below >= limit.rlim_cur;
}

}  // namespace fakegpu::tools::run
