// SPDX-License-Identifier: MIT
// DRM's device numbers, which libdrm tells nodes by: major 226, and minors of which 0 to 63 are
// primary nodes and 128 to 191 render nodes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace fakegpu::cuse_dev {

// The number that a node below /dev has in a kernel with DRM: "dri/card0", "dri/renderD128".
// Nothing: it is none of DRM's.
std::optional<dev_t> drm_number(std::string_view name);

// `devices`, the text of /proc/devices, gives DRM's major to the kernel's own DRM: its numbers are
// not to be had. CUSE nodes that have some of them show their own names there.
bool is_drm_loaded(std::string_view devices);

}  // namespace fakegpu::cuse_dev
