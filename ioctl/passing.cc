// SPDX-License-Identifier: MIT
#include "ioctl/passing.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace fakegpu::ioctl {

bool may_pass(int fd) {
  // Only memory of the kernel's own answers this.
  if (::fcntl(fd, F_GET_SEALS) >= 0) return true;
  // What has a path has one that begins with '/' or '(': these names are nobody else's.
  std::array<char, 64> text;
  const ssize_t length =
      ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), text.data(), text.size());
  if (length <= 0) return false;
  const std::string_view name(text.data(), static_cast<size_t>(length));
  return name.starts_with("pipe:[") || name == "anon_inode:[eventfd]";
}

}  // namespace fakegpu::ioctl
