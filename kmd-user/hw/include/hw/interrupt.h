// SPDX-License-Identifier: MIT
// Entries of the interrupt ring. Layout after amdgpu's IH vectors.
#pragma once

#include <cstdint>

namespace fakegpu::hw {

// amdgpu's numbers where it has the source.
enum class IrqSource : uint8_t {
  kVmFault = 0,      // data: address, vmid | write << 4 | reason << 8
  kEop = 181,        // end of pipe: a fence was written. data: the written value
  kBadOpcode = 183,  // data: reason, first dword of the packet
  kSdmaTrap = 224,   // data: the trap's context id
};

struct IhEntry {
  uint8_t source;  // IrqSource
  uint8_t ring;    // index as in the register file; 0xff: none
  uint8_t vmid;
  uint8_t reserved;
  uint32_t context_id;  // of RELEASE_MEM or TRAP
  uint64_t timestamp;   // ns, when it was raised
  uint64_t data[2];
};
static_assert(sizeof(IhEntry) == 32);

}  // namespace fakegpu::hw
