// SPDX-License-Identifier: MIT
// What a daemon leaves in the file system, and how the next one clears it away when the daemon was
// killed.
#pragma once

#include <string>

#include "base/result.h"

namespace fakegpu::cuse_dev {

// Detaches the mounts of dead daemons from `path`; one is known by what a lookup of `file` in it
// gives.
base::Result<> detach_dead_mount(const std::string& path, const std::string& file);

// Makes `path` a directory that can be mounted on, with its parent. Detaches the mount of a dead
// daemon from it; -EBUSY: that of a live one is there, known by its `file`.
base::Result<> prepare_mount_point(const std::string& path, const std::string& file);

// Makes `path` an empty file to bind on, detaching a dead mount. -EEXIST: there is something else,
// which is left alone.
base::Result<> prepare_bind_target(const std::string& path);

// A symbolic link, replacing one to the same target. -EEXIST: there is something else.
base::Result<> make_link(const std::string& target, const std::string& path);

// Removes the link if it is still ours.
void remove_link(const std::string& target, const std::string& path);

}  // namespace fakegpu::cuse_dev
