// SPDX-License-Identifier: MIT
// The nodes that a daemon shows of its one device, and what an open of each is.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "drv/machine.h"

namespace fakegpu::cuse_dev {

enum class NodeKind : uint8_t {
  kRender,   // /dev/fakegpu, /dev/dri/renderD128
  kPrimary,  // /dev/dri/card0: masters and authentication
  kSwSync,   // /dev/sw_sync: timelines that tests advance by hand
};

// What the kernel would make of such a name: "dri/card0" is a primary node, the rest render nodes.
NodeKind kind_of_name(std::string_view name);

// A new open file of `machine` through such a node. `memory_of`: as Machine::open() takes it; of no
// meaning for sw_sync, whose timeline gets the name of the command that `opener` runs.
base::Result<std::unique_ptr<drv::File>> open_through(NodeKind kind, drv::Machine& machine,
                                                      const drv::Caller& opener,
                                                      drv::File* memory_of);

}  // namespace fakegpu::cuse_dev
