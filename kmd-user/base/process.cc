// SPDX-License-Identifier: MIT
#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "base/unique_fd.h"

namespace fakegpu::base {

namespace {

// Of a file of /proc: what is asked for here is in its first bytes.
std::string read_start(int32_t thread, std::string_view file) {
  const UniqueFd fd(::open(fmt::format("/proc/{}/{}", thread, file).c_str(), O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t bytes = fd ? ::read(fd.get(), text, sizeof(text)) : 0;
  return bytes > 0 ? std::string(text, static_cast<size_t>(bytes)) : std::string();
}

template <typename Number>
Number number_at(std::string_view text) {
  const size_t digit = text.find_first_not_of(" \t");
  if (digit == std::string_view::npos) return 0;
  Number number = 0;
  std::from_chars(text.data() + digit, text.data() + text.size(), number);
  return number;
}

// Field 22 of stat. Field 2, in brackets, is the command's name and may hold anything.
uint64_t start_of(int32_t process) {
  const std::string stat = read_start(process, "stat");
  size_t at = stat.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  return at == std::string::npos ? 0 : number_at<uint64_t>(std::string_view(stat).substr(at));
}

}  // namespace

Process process_of(int32_t thread) {
  constexpr std::string_view kKey = "\nTgid:";
  if (thread <= 0) return {};
  const std::string status = read_start(thread, "status");
  const size_t key = status.find(kKey);
  if (key == std::string::npos) return {thread, 0};
  const auto group = number_at<int32_t>(std::string_view(status).substr(key + kKey.size()));
  return {group, start_of(group)};
}

std::string command_of(int32_t thread) {
  if (thread <= 0) return {};
  std::string command = read_start(thread, "comm");
  if (command.ends_with('\n')) command.pop_back();
  return command;
}

}  // namespace fakegpu::base
