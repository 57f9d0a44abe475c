// SPDX-License-Identifier: MIT
#include "memory_watch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace fakegpu::drv {

namespace {

std::string path_of(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace

MemoryWatch::MemoryWatch() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

base::UniqueFd MemoryWatch::open_again(int memory) {
  return base::UniqueFd(::open(path_of(memory).c_str(), O_RDONLY | O_CLOEXEC));
}

base::UniqueFd MemoryWatch::open_for_client(int memory, bool writable) {
  const int mode = writable ? O_RDWR : O_RDONLY;
  base::UniqueFd opened(::open(path_of(memory).c_str(), mode | O_CLOEXEC));
  if (opened && ::flock(opened.get(), LOCK_SH | LOCK_NB) != 0) opened.reset();
  return opened;
}

bool MemoryWatch::is_unused(int opened) {
  if (::flock(opened, LOCK_EX | LOCK_NB) != 0) return false;
  ::flock(opened, LOCK_UN);
  return true;
}

int MemoryWatch::add(int memory) {
  return inotify_ ? ::inotify_add_watch(inotify_.get(), path_of(memory).c_str(), IN_CLOSE) : -1;
}

void MemoryWatch::remove(int watch) {
  ::inotify_rm_watch(inotify_.get(), watch);
}

std::vector<int> MemoryWatch::closed(bool& all) {
  std::vector<int> watches;
  all = !inotify_;
  alignas(inotify_event) std::array<char, 4096> buffer;
  ssize_t got;
  while (inotify_ && (got = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0) {
    const char* const end = buffer.data() + got;
    for (const char* at = buffer.data(); at < end;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof(event));
      if (event.mask & IN_Q_OVERFLOW) all = true;
      if (event.mask & IN_CLOSE) watches.push_back(event.wd);
      at += sizeof(event) + event.len;
    }
  }
  return watches;
}

}  // namespace fakegpu::drv
