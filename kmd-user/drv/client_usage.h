// SPDX-License-Identifier: MIT
// What an open file has used of the device, for those who watch: as structs, and as the text that
// /proc/PID/fdinfo would show (drm_show_fdinfo(), amdgpu_show_fdinfo()). Under the device lock.
#pragma once

#include <string>
#include <string_view>

#include <fakegpu_drm.h>

#include "sched/account.h"

namespace fakegpu::drv {

class Device;
class FileImpl;

// amdgpu's name of a kind of ring, DRM_FAKEGPU_RING_*.
std::string_view engine_name(uint32_t type);

// Of an account that is charged for jobs on that ring. Its GPU time is remembered, so that no later
// answer is less (sched::Account::observe()).
drm_fakegpu_usage usage_of(const Device& device, unsigned ring, sched::Account& account);

drm_fakegpu_client client_of(const FileImpl& file);

// Lines of "key:<tab>value", as Documentation/gpu/drm-usage-stats.rst has them.
std::string fdinfo_of(const FileImpl& file);

}  // namespace fakegpu::drv
