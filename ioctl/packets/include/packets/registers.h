// SPDX-License-Identifier: MIT
// The SH register bank that SET_SH_REG writes: per queue, saved and restored with it. Offsets are
// amdgpu's (gc_9/gc_10: mmCOMPUTE_*, minus PACKET3_SET_SH_REG_START). Only the registers named here
// exist; a write to another one is a fault of the queue.
#pragma once

#include <cstdint>
#include <string_view>

namespace fakegpu::packets::sh {

inline constexpr uint32_t kBase = 0x2c00;  // dword offset of the bank in register space
inline constexpr uint32_t kCount = 0x400;  // dwords

// Size of a workgroup in threads. The built-in kernels have a fixed one (kernels::Info); each of
// these must be that value or 0, else the dispatch is a fault. They are 0 after a queue reset.
inline constexpr uint16_t kComputeNumThreadX = 0x207;
inline constexpr uint16_t kComputeNumThreadY = 0x208;
inline constexpr uint16_t kComputeNumThreadZ = 0x209;

// The chip has the program's address >> 8 here. Here: LO is a built-in kernel's id, HI is 0.
inline constexpr uint16_t kComputePgmLo = 0x20c;
inline constexpr uint16_t kComputePgmHi = 0x20d;

// What the chip loads into the program's first scalar registers. 0 and 1: the GPU address, low and
// high half, of the kernel's argument block.
inline constexpr uint16_t kComputeUserData0 = 0x240;
inline constexpr uint16_t kComputeUserData1 = 0x241;

// "COMPUTE_PGM_LO"; empty if there is no such register.
std::string_view name(uint32_t offset);

}  // namespace fakegpu::packets::sh
