// SPDX-License-Identifier: MIT
// Who may open a device node, for those who come by the socket: everybody may connect to that,
// since clients that opened a node get their descriptors there.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

namespace fakegpu::cuse_dev {

// A node's permissions, or what they would be.
struct Access {
  mode_t mode = 0666;
  uid_t owner = 0;
  gid_t group = 0;
};

// Whether a process of this user, with these groups, may open it for reading and writing. As the
// kernel decides it: by the first of owner, group and others that applies; root may always.
bool may_open(const Access& access, uid_t user, std::span<const gid_t> groups);

// The supplementary groups that the peer of a UNIX socket had when it connected. Empty if the
// kernel does not tell.
std::vector<gid_t> peer_groups(int socket);

}  // namespace fakegpu::cuse_dev
