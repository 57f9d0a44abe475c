// SPDX-License-Identifier: MIT
#include "access.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace fakegpu::cuse_dev {

bool may_open(const Access& access, uid_t user, std::span<const gid_t> groups) {
  constexpr mode_t kReadWrite = 6;
  if (user == 0) return true;
  unsigned shift = 0;
  if (user == access.owner) {
    shift = 6;
  } else if (std::ranges::find(groups, access.group) != groups.end()) {
    shift = 3;
  }
  return (access.mode >> shift & kReadWrite) == kReadWrite;
}

std::vector<gid_t> peer_groups(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    const bool too_small = result != 0 && errno == ERANGE;
    groups.resize(result == 0 || too_small ? bytes / sizeof(gid_t) : 0);
    if (!too_small) return groups;
  }
}

}  // namespace fakegpu::cuse_dev
