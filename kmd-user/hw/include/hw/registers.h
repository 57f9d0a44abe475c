// SPDX-License-Identifier: MIT
// The register aperture of one PCI function. Offsets are in bytes, registers 32 bits wide. Names
// follow amdgpu's where it has the register. Unknown offsets read as zero and ignore writes, as
// unclaimed MMIO does; while the chip resets, all read as 0xffffffff.
#pragma once

#include <cstdint>

namespace fakegpu::hw::reg {

inline constexpr uint32_t kApertureBytes = 0x10000;

// --- Discovery (read-only) ---

inline constexpr uint32_t kMagic = 0x0000;           // kMagicValue
inline constexpr uint32_t kMagicValue = 0x47414b46;  // "FKAG"
inline constexpr uint32_t kDeviceId = 0x0004;
inline constexpr uint32_t kRevision = 0x0008;
inline constexpr uint32_t kVramMegabytes = 0x000c;
inline constexpr uint32_t kSystemMegabytes = 0x0010;
inline constexpr uint32_t kVmidCount = 0x0014;  // 16
inline constexpr uint32_t kFeatures = 0x0018;   // bit 0: edu packets
inline constexpr uint32_t kBlockCount = 0x001c;
// Block i, 8 bytes: +0 = BlockType | version << 8, +4 = instances.
inline constexpr uint32_t kBlocks = 0x0020;
enum BlockType : uint32_t { kBlockIh = 1, kBlockGmc, kBlockGfx, kBlockCompute, kBlockSdma };
// Profile name, 32 bytes of text.
inline constexpr uint32_t kName = 0x0080;
inline constexpr uint32_t kTimestampLo = 0x00a0;  // ns; reading Lo latches Hi
inline constexpr uint32_t kTimestampHi = 0x00a4;
// Free for the driver: golden registers are written and read back here.
inline constexpr uint32_t kScratch = 0x00c0;
inline constexpr uint32_t kScratchCount = 16;

// --- Interrupt ring ---

// A power-of-two ring of IhEntry in system memory (hw/interrupt.h). wptr and rptr in bytes, both
// modulo the size; equal means empty, and one entry always stays free. An entry that finds no room
// is lost and sets the overflow bit.
inline constexpr uint32_t kIhBaseLo = 0x0100;  // physical address, 256-byte aligned
inline constexpr uint32_t kIhBaseHi = 0x0104;
inline constexpr uint32_t kIhSize = 0x0108;  // bytes, a power of two
inline constexpr uint32_t kIhCntl = 0x010c;  // bit 0: enable
inline constexpr uint32_t kIhRptr = 0x0110;  // written by the driver
inline constexpr uint32_t kIhWptr = 0x0114;  // bit 31: overflow since the last write of bit 31
inline constexpr uint32_t kIhOverflow = 1u << 31;

// --- GPUVM ---

// Per VMID (0 to 15; 0 is the kernel's and maps physical addresses one to one): page table base, a
// physical address | kVmValid.
inline constexpr uint32_t kVmContextBaseLo = 0x0200;  // + 8 * vmid
inline constexpr uint32_t kVmContextBaseHi = 0x0204;
inline constexpr uint32_t kVmValid = 1;
// Writing a mask of VMIDs drops their cached translations. Reads back 0 when done: no engine uses
// an older translation any more.
inline constexpr uint32_t kVmInvalidate = 0x0280;
// The most recent fault, for the driver's report.
inline constexpr uint32_t kVmFaultAddrLo = 0x0284;
inline constexpr uint32_t kVmFaultAddrHi = 0x0288;
inline constexpr uint32_t kVmFaultStatus = 0x028c;  // vmid | write << 4 | FaultReason << 8

// --- Resets of more than a ring ---

// Engine (soft) reset, GRBM_SOFT_RESET: writing a mask of blocks resets all rings of those, as
// kRingReset does one, but ends more. Reads back the blocks that are not done.
inline constexpr uint32_t kSoftReset = 0x0300;
inline constexpr uint32_t kSoftResetGfx = 1u << 0;
inline constexpr uint32_t kSoftResetCompute = 1u << 1;
inline constexpr uint32_t kSoftResetSdma0 = 1u << 8;  // << instance
// Whole-GPU reset (mode 1). Until it is done every register reads as kNoAnswer and ignores writes,
// doorbells too; then all are as after power on. VRAM is kept, unless kGpuResetLoseVram is
// written too or the fault "vram-loss" is injected.
inline constexpr uint32_t kGpuReset = 0x0304;
inline constexpr uint32_t kGpuResetMode1 = 1u << 0;
inline constexpr uint32_t kGpuResetLoseVram = 1u << 1;
inline constexpr uint32_t kNoAnswer = 0xffffffff;

// --- Rings ---

// Ring i in the order gfx, compute, SDMA.
inline constexpr uint32_t kRings = 0x1000;
inline constexpr uint32_t kRingStride = 0x100;
constexpr uint32_t ring(unsigned index, uint32_t offset) {
  return kRings + index * kRingStride + offset;
}
inline constexpr uint32_t kRingBaseLo = 0x00;  // physical address, 256-byte aligned
inline constexpr uint32_t kRingBaseHi = 0x04;
inline constexpr uint32_t kRingSize = 0x08;    // dwords, a power of two, 64 to 1 Mi
inline constexpr uint32_t kRingCntl = 0x0c;    // bit 0: enable; clearing it stops fetching
inline constexpr uint32_t kRingRptrLo = 0x10;  // dwords, counts up without wrapping; read-only
inline constexpr uint32_t kRingRptrHi = 0x14;
// Dwords, counts up; a doorbell writes it. Lo first: writing Hi sets both.
inline constexpr uint32_t kRingWptrLo = 0x18;
inline constexpr uint32_t kRingWptrHi = 0x1c;
inline constexpr uint32_t kRingStatus = 0x20;       // RingStatus bits, read-only
inline constexpr uint32_t kRingFault = 0x24;        // FaultReason of a stopped queue, read-only
inline constexpr uint32_t kRingFaultPacket = 0x28;  // first dword of the packet that stopped it
// Writing 1 resets the queue: waves killed, micro-state cleared, rptr = wptr = 0, fetching
// disabled. Reads 1 until done.
inline constexpr uint32_t kRingReset = 0x2c;
// Where fence writebacks of jobs under preemption or reset go: bit 0 preempting, bit 1 resetting. A
// RELEASE_MEM or FENCE of this ring then writes 8 or 16 or 24 bytes further on.
inline constexpr uint32_t kRingRedirect = 0x30;
// Writing a VMID kills the waves that this VMID runs on the ring; the job then goes on after the
// killed packet. With kKillBefore only if the packet at rptr lies before the position, dwords
// modulo 2^24, so that who is slow to ask does not hit the next job of the same VMID. A request
// replaces one that was not heard yet.
inline constexpr uint32_t kRingKillWaves = 0x34;
inline constexpr uint32_t kKillVmid = 0xf;
inline constexpr uint32_t kKillBefore = 1u << 4;
constexpr uint32_t kill_waves(unsigned vmid, uint64_t before) {
  return vmid | kKillBefore | static_cast<uint32_t>(before) << 8;
}
// Position for dumps: IB level (0 ring, 1 IB, 2 chained or nested IB), offset in dwords, workgroup.
inline constexpr uint32_t kRingIbLevel = 0x40;
inline constexpr uint32_t kRingIbBaseLo = 0x44;
inline constexpr uint32_t kRingIbBaseHi = 0x48;
inline constexpr uint32_t kRingIbOffset = 0x4c;
inline constexpr uint32_t kRingWorkgroup = 0x50;

enum RingStatus : uint32_t {
  kRingBusy = 1,     // rptr != wptr or a packet executes
  kRingWaiting = 2,  // blocked in WAIT_REG_MEM, POLL_REGMEM or a looping ATOMIC_MEM
  kRingFaulted = 4,  // stopped by a fault; needs a reset
  kRingHung = 8,     // a HANG packet executes (visible to tests; real drivers see only no progress)
};

enum FaultReason : uint32_t {
  kFaultNone = 0,
  kFaultBadOpcode = 1,
  kFaultBadPacket = 2,  // length, alignment, reserved bits, privilege
  kFaultVmInvalid = 3,  // no translation
  kFaultVmReadOnly = 4,
  kFaultIbNesting = 5,
  kFaultBadKernel = 6,  // unknown kernel id or bad arguments
  kFaultInjected = 7,
};

}  // namespace fakegpu::hw::reg
