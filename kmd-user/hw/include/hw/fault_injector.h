// SPDX-License-Identifier: MIT
// Faults by name: each failure that a real chip shows, at the n-th occurrence of its trigger or by
// seeded chance.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace fakegpu::hw {

enum class FaultKind : uint8_t {
  kHang,                // "hang": the packet never ends; killable
  kSlowPacket,          // "slow-packet": the packet takes `duration` longer
  kCorruptPacket,       // "corrupt-packet": its header is read with all bits flipped
  kBadAddress,          // "bad-address": its memory access misses translation
  kLostInterrupt,       // "lost-interrupt": the entry is never written
  kLateInterrupt,       // "late-interrupt": delivered `duration` later
  kDuplicateInterrupt,  // "duplicate-interrupt": delivered twice
  kStuckDoorbell,       // "stuck-doorbell": the write does not reach the ring
  kMuteKill,            // "mute-kill": a request to kill waves is ignored
  kMuteQueueReset,      // "mute-queue-reset": a ring's reset never ends
  kMuteEngineReset,     // "mute-engine-reset": the reset of the ring's block never ends
  kMuteGpuReset,        // "mute-gpu-reset": the chip does not come back from its reset
  kVramLoss,            // "vram-loss": a whole-GPU reset loses VRAM
  kCount,
};

struct FaultDescription {
  FaultKind kind;
  std::string_view name;
  std::string_view what;
};
std::span<const FaultDescription> fault_descriptions();

struct FaultSpec {
  std::string name;
  int ring = -1;           // -1: any
  uint64_t nth = 0;        // fire at the n-th trigger from now, once; 0: by probability
  double probability = 0;  // per trigger, used if nth is 0
  uint64_t seed = 0;
  base::Nanos duration = 0;  // of slow-packet and late-interrupt
};

class FaultInjector {
 public:
  // Of a trigger that is no ring's: faults for any ring fire.
  static constexpr unsigned kNoRing = ~0u;

  // -EINVAL: unknown name, probability outside [0, 1], neither nth nor probability, or a negative
  // duration.
  base::Result<> inject(const FaultSpec& spec);
  void clear();

  // Asked at each trigger by the engines; the duration comes back in `duration`. Any thread. Costs
  // one load when nothing is injected.
  bool fires(FaultKind kind, unsigned ring, base::Nanos* duration = nullptr);

  // Whether anything may fire at all.
  bool armed() const { return any_.load(std::memory_order_acquire); }

  // How often each kind has fired.
  uint64_t fired(FaultKind kind) const;

 private:
  struct Armed {
    FaultKind kind;
    FaultSpec spec;
    uint64_t seen = 0;
    std::mt19937_64 random;
  };

  mutable base::Mutex mutex_;
  std::vector<Armed> armed_ GUARDED_BY(mutex_);
  uint64_t fired_[static_cast<size_t>(FaultKind::kCount)] GUARDED_BY(mutex_) = {};
  std::atomic<bool> any_{false};
};

}  // namespace fakegpu::hw
