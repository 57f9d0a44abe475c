// SPDX-License-Identifier: MIT
// What --dri shows a program: /dev/dri with the device's two nodes, /dev/sw_sync, and the part of
// /sys by which libdrm and libudev find them.
#pragma once

#include <string>
#include <vector>

#include "stat_calls.h"

namespace fakegpu::tools::run {

// One of the device's nodes where the daemon serves it.
struct DriNode {
  const char* name;  // in /dev/dri
  unsigned minor;    // as DRM numbers them
  std::string path;
};

struct DriNodes {
  std::vector<DriNode> nodes;
  std::string sw_sync;  // empty: the daemon has none
  std::string folder;   // that they are in if it is to appear whole; else each is bound
};

// The nodes of the daemon that serves `where`, its CUSE node or FUSE file. Throws
// std::runtime_error.
DriNodes find_dri_nodes(const std::string& where);

// Builds all of it over this process's /dev and /sys (leave_mount_namespace()). What stat has to
// be told of the nodes. Throws std::runtime_error.
std::vector<ShownNode> show_dri_nodes(const DriNodes& nodes);

}  // namespace fakegpu::tools::run
