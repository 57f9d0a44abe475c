// SPDX-License-Identifier: MIT
// Requests as text: one decoder for the log, the strace tool, the tracer and the fuzzers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ioctl/user_memory.h"

namespace fakegpu::ioctl {

// "DRM_IOCTL_FAKEGPU_SUBMIT" or, if unknown, "_IOC(_IOC_READ|_IOC_WRITE, 0x64, 0x50, 0x48)".
std::string command_name(uint32_t command);

// "DRM_IOCTL_FAKEGPU_SUBMIT {ctx_id=1, ring=0, ..., ibs=[{va=0x10000, ...}]}". `arg` is the struct
// as the caller passed it. Arrays are shown if `memory` is given and can reach them, at most eight
// elements each; else as addresses.
std::string describe_call(uint32_t command, std::span<const std::byte> arg,
                          UserMemory* memory = nullptr);

}  // namespace fakegpu::ioctl
