// SPDX-License-Identifier: MIT
// The chip's faults: each failure that a real one shows, by name (base/fault_injector.h).
#pragma once

#include "base/fault_injector.h"

namespace fakegpu::hw {

enum class FaultKind : uint8_t {
  kHang,
  kEndlessWait,
  kSlowPacket,
  kCorruptPacket,
  kBadAddress,
  kLostInterrupt,
  kLateInterrupt,
  kDuplicateInterrupt,
  kStuckDoorbell,
  kMuteKill,
  kMuteQueueReset,
  kMuteEngineReset,
  kMuteGpuReset,
  kSlowReset,
  kFailedRingTest,
  kVramLoss,
  kCount,
};

// In the order of FaultKind.
std::span<const base::FaultDescription> fault_descriptions();

using base::FaultSpec;

class FaultInjector final : public base::FaultInjector {
 public:
  // Of a trigger that is no ring's: faults for any ring fire.
  static constexpr unsigned kNoRing = ~0u;

  explicit FaultInjector(const base::Clock& clock)
      : base::FaultInjector(clock, fault_descriptions()) {}

  // Asked at each trigger by the engines; the duration comes back in `duration`.
  bool fires(FaultKind kind, unsigned ring, base::Nanos* duration = nullptr) {
    return armed() && find(kind, ring, duration);
  }
  // How often it has.
  uint64_t fired(FaultKind kind) const {
    return base::FaultInjector::fired(static_cast<size_t>(kind));
  }

 private:
  bool find(FaultKind kind, unsigned ring, base::Nanos* duration);
};

}  // namespace fakegpu::hw
