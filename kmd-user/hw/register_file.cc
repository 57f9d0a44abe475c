// SPDX-License-Identifier: MIT
#include "register_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fakegpu::hw {
namespace {

constexpr uint32_t kIhEnd = reg::kIhWptr + 4;
constexpr uint32_t kVmEnd = reg::kVmFaultStatus + 4;
constexpr uint32_t kScratchEnd = reg::kScratch + 4 * reg::kScratchCount;
constexpr uint32_t kNameBytes = reg::kTimestampLo - reg::kName;
constexpr uint32_t kMegabyte = 1u << 20;
constexpr uint32_t kBlockVersion = 1;

bool within(uint32_t offset, uint32_t first, uint32_t end) {
  return offset >= first && offset < end;
}

}  // namespace

RegisterFile::RegisterFile(const Profile& profile, base::Clock& clock, Gpuvm& gpuvm,
                           InterruptRing& interrupts, ChipReset& reset)
    : clock_(clock), gpuvm_(gpuvm), interrupts_(interrupts), reset_(reset) {
  fill_discovery(profile);
}

void RegisterFile::fill_discovery(const Profile& profile) {
  const auto set = [this](uint32_t offset, uint64_t value) {
    discovery_[offset / 4] = static_cast<uint32_t>(value);
  };
  set(reg::kMagic, reg::kMagicValue);
  set(reg::kDeviceId, profile.device_id);
  set(reg::kRevision, profile.revision);
  set(reg::kVramMegabytes, profile.vram_bytes / kMegabyte);
  set(reg::kSystemMegabytes, profile.system_bytes / kMegabyte);
  set(reg::kVmidCount, Gpuvm::kVmids);
  set(reg::kFeatures, profile.edu_packets);

  const std::pair<reg::BlockType, unsigned> blocks[] = {{reg::kBlockIh, 1},
                                                        {reg::kBlockGmc, 1},
                                                        {reg::kBlockGfx, profile.gfx_rings},
                                                        {reg::kBlockCompute, profile.compute_rings},
                                                        {reg::kBlockSdma, profile.sdma_rings}};
  uint32_t count = 0;
  for (const auto& [type, instances] : blocks) {
    if (instances == 0) continue;
    set(reg::kBlocks + 8 * count, type | kBlockVersion << 8);
    set(reg::kBlocks + 8 * count + 4, instances);
    ++count;
  }
  set(reg::kBlockCount, count);
  std::memcpy(&discovery_[reg::kName / 4], profile.name.data(),
              std::min<size_t>(profile.name.size(), kNameBytes - 1));
}

Engine* RegisterFile::ring(uint32_t offset) const {
  const uint32_t index = (offset - reg::kRings) / reg::kRingStride;
  return offset >= reg::kRings && index < engines_.size() ? engines_[index].get() : nullptr;
}

uint32_t RegisterFile::read(uint32_t offset) {
  if (reset_.active()) return reg::kNoAnswer;
  if (offset % 4 != 0 || offset >= reg::kApertureBytes) return 0;
  if (Engine* engine = ring(offset)) return engine->read(offset % reg::kRingStride);
  if (within(offset, reg::kIhBaseLo, kIhEnd)) return interrupts_.read(offset);
  if (within(offset, reg::kVmContextBaseLo, kVmEnd)) return gpuvm_.read(offset);
  if (offset == reg::kSoftReset || offset == reg::kGpuReset) return reset_.read(offset);
  if (within(offset, reg::kScratch, kScratchEnd))
    return scratch_[(offset - reg::kScratch) / 4].load();
  if (offset == reg::kTimestampLo) {
    const uint64_t now = static_cast<uint64_t>(clock_.now());
    timestamp_hi_.store(static_cast<uint32_t>(now >> 32));
    return static_cast<uint32_t>(now);
  }
  if (offset == reg::kTimestampHi) return timestamp_hi_.load();
  return offset / 4 < kDiscoveryWords ? discovery_[offset / 4] : 0;
}

void RegisterFile::write(uint32_t offset, uint32_t value) {
  if (reset_.active() || offset % 4 != 0 || offset >= reg::kApertureBytes) return;
  if (Engine* engine = ring(offset)) {
    engine->write(offset % reg::kRingStride, value);
  } else if (within(offset, reg::kIhBaseLo, kIhEnd)) {
    interrupts_.write(offset, value);
  } else if (within(offset, reg::kVmContextBaseLo, kVmEnd)) {
    gpuvm_.write(offset, value);
  } else if (offset == reg::kSoftReset || offset == reg::kGpuReset) {
    reset_.write(offset, value);
  } else if (within(offset, reg::kScratch, kScratchEnd)) {
    scratch_[(offset - reg::kScratch) / 4].store(value);
  }
}

void RegisterFile::power_up() {
  for (auto& word : scratch_) word.store(0);
}

}  // namespace fakegpu::hw
