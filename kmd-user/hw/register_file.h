// SPDX-License-Identifier: MIT
// The register aperture: who handles which block, and what belongs to nobody else (discovery, the
// timestamp, scratch registers).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.h"
#include "chip_reset.h"
#include "engine.h"
#include "gpuvm.h"
#include "hw/profile.h"
#include "hw/registers.h"
#include "interrupt_ring.h"

namespace fakegpu::hw {

class RegisterFile {
 public:
  RegisterFile(const Profile& profile, base::Clock& clock, Gpuvm& gpuvm, InterruptRing& interrupts,
               ChipReset& reset);
  RegisterFile(const RegisterFile&) = delete;

  // Before anything runs.
  void set_rings(std::span<const std::unique_ptr<Engine>> engines) { engines_ = engines; }

  // Byte offsets. What is not a register, or not aligned, reads as zero and ignores writes. Any
  // thread.
  uint32_t read(uint32_t offset);
  void write(uint32_t offset, uint32_t value);
  // Scratch registers as after power on; the rest is others'.
  void power_up();

 private:
  static constexpr uint32_t kDiscoveryWords = reg::kTimestampLo / 4;

  void fill_discovery(const Profile& profile);
  // The ring whose register `offset` is; nullptr: none.
  Engine* ring(uint32_t offset) const;

  base::Clock& clock_;
  Gpuvm& gpuvm_;
  InterruptRing& interrupts_;
  ChipReset& reset_;
  std::span<const std::unique_ptr<Engine>> engines_;
  std::array<uint32_t, kDiscoveryWords> discovery_{};
  std::atomic<uint32_t> timestamp_hi_{0};  // latched by reading Lo
  std::array<std::atomic<uint32_t>, reg::kScratchCount> scratch_{};
};

}  // namespace fakegpu::hw
