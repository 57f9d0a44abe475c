// SPDX-License-Identifier: MIT
#include "fd_table.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace fakegpu::conformance {

namespace {

std::vector<int> numbers_of(pid_t process) {
  std::vector<int> numbers;
  DIR* const folder = ::opendir(("/proc/" + std::to_string(process) + "/fd").c_str());
  if (folder == nullptr) return numbers;
  while (const dirent* entry = ::readdir(folder))
    if (entry->d_name[0] != '.') numbers.push_back(std::atoi(entry->d_name));
  ::closedir(folder);
  return numbers;
}

}  // namespace

ShortTable::ShortTable(unsigned room) {
  // The folder's own number, the lowest free one, is among them.
  const int highest = std::ranges::max(numbers_of(::getpid()));
  int last;
  do {
    last = ::dup(STDERR_FILENO);
    if (last >= 0) fillers_.push_back(last);
  } while (last >= 0 && last < highest);
  EXPECT_GE(last, 0);
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
  rlimit limit = before_;
  limit.rlim_cur = static_cast<rlim_t>(last) + 1 + room;
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

ShortTable::~ShortTable() {
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0);
  for (const int filler : fillers_) ::close(filler);
}

size_t descriptors_of(pid_t process) {
  return numbers_of(process).size();
}

}  // namespace fakegpu::conformance
