// SPDX-License-Identifier: MIT
// What is written into a ring for one job: flush the address space if it is new on its VMID, then,
// under a condition that a preemption can clear, the IBs and the fence with its interrupt.
#pragma once

#include <cstdint>
#include <span>

#include <fakegpu_drm.h>

#include "hw/memory.h"
#include "packets/stream.h"

namespace fakegpu::drv {

struct Frame {
  std::span<const drm_fakegpu_ib> ibs;
  unsigned vmid = 0;
  bool flush = false;  // load `page_table` into the VMID and drop its translations
  hw::PhysAddr page_table = 0;
  hw::PhysAddr condition = 0;  // a dword, normally 1; 0 skips the body
  hw::PhysAddr writeback = 0;  // where the emission id goes, 64 bits
  uint64_t emission = 0;
};

// Appends the frame as PM4 (gfx and compute) or SDMA packets.
void encode_pm4_frame(const Frame& frame, packets::Words& out);
void encode_sdma_frame(const Frame& frame, packets::Words& out);

// A packet that stores `value` at `address`: the ring test.
void encode_pm4_test(hw::PhysAddr address, uint32_t value, packets::Words& out);
void encode_sdma_test(hw::PhysAddr address, uint32_t value, packets::Words& out);

// Most dwords that a frame with `ibs` IBs takes, on either kind of ring: what goes around the IBs
// (less than 64), and SDMA's INDIRECT of 6 or the shorter INDIRECT_BUFFER for each.
constexpr size_t max_frame_dwords(size_t ibs) {
  return 64 + 6 * ibs;
}

}  // namespace fakegpu::drv
