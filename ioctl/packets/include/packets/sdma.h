// SPDX-License-Identifier: MIT
// SDMA packets, as amdgpu's vega10_sdma_pkt_open.h has them. What all packet types share: stream.h.
// The header dword is op [7:0], sub-op [15:8] and flags of the op; it has no length. The types
// themselves: sdma_data.h, sdma_control.h and, for one of ours, sdma_edu.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "packets/stream.h"

namespace fakegpu::packets::sdma {

// The length of the packet that starts at at[0]; give it four dwords, or as many as there are.
// nullopt: unknown op or sub-op, or fewer dwords than the length takes to tell.
std::optional<uint32_t> packet_dwords(Packet at);

// The public name of an op of this module; empty if it is not one.
std::string_view opcode_name(uint8_t opcode);

}  // namespace fakegpu::packets::sdma

#include "packets/sdma_control.h"
#include "packets/sdma_data.h"
#include "packets/sdma_edu.h"
