// SPDX-License-Identifier: MIT
#include "hw/fault_injector.h"

namespace fakegpu::hw {
namespace {

using base::FaultDescription;

constexpr uint32_t kRing = base::kFaultTakesRing;
constexpr uint32_t kRingTime = base::kFaultTakesRing | base::kFaultTakesDuration;

constexpr std::string_view kPacket = "a packet of a ring";
constexpr std::string_view kInterrupt = "an interrupt of a ring";
constexpr std::string_view kAtOnce = "itself, at once";
constexpr std::string_view kReset = "a reset of the ring";

constexpr FaultDescription kDescriptions[] = {
    {"hang", "the packet never ends", kPacket, "killing its waves, a reset of the ring", kRing},
    {"endless-wait", "the packet is a WAIT_REG_MEM that never ends", kPacket, kReset, kRing},
    {"slow-packet", "the packet takes `duration` longer", kPacket, "itself, after that", kRingTime},
    {"corrupt-packet", "its header is read with all bits flipped, and stops the queue", kPacket,
     kReset, kRing},
    {"bad-address", "its memory access misses translation", kPacket,
     "a reset of the ring, if it accessed any", kRing},
    {"lost-interrupt", "it is never delivered", kInterrupt, kAtOnce, kRing},
    {"late-interrupt", "it is delivered `duration` later", kInterrupt, "itself, after that",
     kRingTime},
    {"duplicate-interrupt", "it is delivered twice", kInterrupt, kAtOnce, kRing},
    {"stuck-doorbell", "the write does not reach the ring", "a write of a ring's doorbell",
     "the next write", kRing},
    {"mute-kill", "it is ignored, and so are those that follow", "a request to kill a ring's waves",
     kReset, kRing},
    {"mute-queue-reset", "it never ends", "a reset of a ring alone", "a reset of its block or chip",
     kRing},
    {"mute-engine-reset", "it never ends", "a reset of a ring with its block",
     "a reset of the chip", kRing},
    {"mute-gpu-reset", "the chip does not come back", "a reset of the chip",
     "nothing: the device is wedged", 0},
    {"slow-reset", "it takes `duration` longer",
     "a reset of a ring, with its block, or of the chip", "itself, after that; a higher reset",
     kRingTime},
    {"failed-ring-test", "the ring executes nothing, so that its test fails",
     "the end of a reset of a ring, by any step", "the next reset of the ring", kRing},
    {"vram-loss", "VRAM is lost", "a reset of the chip", kAtOnce, 0},
};
static_assert(std::size(kDescriptions) == static_cast<size_t>(FaultKind::kCount));

}  // namespace

std::span<const FaultDescription> fault_descriptions() {
  return kDescriptions;
}

bool FaultInjector::find(FaultKind kind, unsigned ring, base::Nanos* duration) {
  Shot shot;
  if (!base::FaultInjector::fires(static_cast<size_t>(kind), ring, &shot)) return false;
  if (duration) *duration = shot.duration;
  return true;
}

}  // namespace fakegpu::hw
