// SPDX-License-Identifier: MIT
// A mount namespace of this process's own, and folders in it that show more than the system's do.
#pragma once

#include <set>
#include <string>

namespace fakegpu::tools::run {

// From now on mounts are seen by this process and its children only. Without the right to that it
// takes a user namespace, in which it has its own user id and group and nobody else's. The process
// must have no other thread. Throws std::runtime_error.
void leave_mount_namespace();

// The folder `path` becomes a file system in memory with everything that it had, except `hidden`:
// links are copied, the rest is bound. What the system adds to it later does not appear. Throws
// std::runtime_error.
void layer_folder(const std::string& path, const std::set<std::string>& hidden);

// `from` is also seen at `to`, a file or folder that is there. Throws std::runtime_error.
void bind(const std::string& from, const std::string& to);

}  // namespace fakegpu::tools::run
