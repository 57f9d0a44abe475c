// SPDX-License-Identifier: MIT
// The part of /sys that shows the nodes as those of one platform device.
#pragma once

#include <vector>

#include "dri_nodes.h"

namespace fakegpu::tools::run {

// Over this process's /sys. Other DRM devices disappear from it. Throws std::runtime_error.
void show_in_sysfs(const std::vector<DriNode>& nodes);

// DRM's device number of the node.
dev_t number_of(const DriNode& node);

}  // namespace fakegpu::tools::run
