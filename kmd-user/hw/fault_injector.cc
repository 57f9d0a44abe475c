// SPDX-License-Identifier: MIT
#include "hw/fault_injector.h"

#include <algorithm>

namespace fakegpu::hw {
namespace {

constexpr FaultDescription kDescriptions[] = {
    {FaultKind::kHang, "hang", "a packet never ends; killing its waves ends it"},
    {FaultKind::kSlowPacket, "slow-packet", "a packet takes `duration` longer"},
    {FaultKind::kCorruptPacket, "corrupt-packet",
     "a packet's header is read with all bits flipped"},
    {FaultKind::kBadAddress, "bad-address", "a packet's memory access misses translation"},
    {FaultKind::kLostInterrupt, "lost-interrupt", "an interrupt entry is never written"},
    {FaultKind::kLateInterrupt, "late-interrupt", "an interrupt is delivered `duration` later"},
    {FaultKind::kDuplicateInterrupt, "duplicate-interrupt", "an interrupt is delivered twice"},
    {FaultKind::kStuckDoorbell, "stuck-doorbell", "a doorbell write does not reach the ring"},
    {FaultKind::kMuteKill, "mute-kill", "a request to kill waves is ignored"},
    {FaultKind::kMuteQueueReset, "mute-queue-reset", "a ring's reset never ends"},
    {FaultKind::kMuteEngineReset, "mute-engine-reset", "the reset of a ring's block never ends"},
    {FaultKind::kMuteGpuReset, "mute-gpu-reset", "the chip does not come back from its reset"},
    {FaultKind::kVramLoss, "vram-loss", "a whole-GPU reset loses VRAM"},
};
static_assert(std::size(kDescriptions) == static_cast<size_t>(FaultKind::kCount));

}  // namespace

std::span<const FaultDescription> fault_descriptions() {
  return kDescriptions;
}

base::Result<> FaultInjector::inject(const FaultSpec& spec) {
  const auto found = std::ranges::find(kDescriptions, spec.name, &FaultDescription::name);
  if (found == std::end(kDescriptions)) return base::fail(EINVAL, "no fault named '{}'", spec.name);
  // Written so that NaN is refused too.
  if (!(spec.probability >= 0 && spec.probability <= 1))
    return base::fail(EINVAL, "fault {}: probability {} is not in [0, 1]", spec.name,
                      spec.probability);
  if (spec.nth == 0 && spec.probability == 0)
    return base::fail(EINVAL, "fault {}: neither nth nor probability", spec.name);
  if (spec.duration < 0)
    return base::fail(EINVAL, "fault {}: duration {} ns", spec.name, spec.duration);

  base::MutexLock lock(mutex_);
  armed_.push_back({found->kind, spec, 0, std::mt19937_64(spec.seed)});
  any_.store(true, std::memory_order_release);
  return {};
}

void FaultInjector::clear() {
  base::MutexLock lock(mutex_);
  armed_.clear();
  any_.store(false, std::memory_order_release);
}

bool FaultInjector::fires(FaultKind kind, unsigned ring, base::Nanos* duration) {
  if (!armed()) return false;
  base::MutexLock lock(mutex_);
  bool fires = false;
  // Every armed fault of this kind counts the trigger, so that two of them do not shift each other.
  for (size_t i = 0; i < armed_.size();) {
    Armed& armed = armed_[i];
    const int wanted = armed.spec.ring;
    if (armed.kind != kind || (wanted >= 0 && static_cast<unsigned>(wanted) != ring)) {
      ++i;
      continue;
    }
    ++armed.seen;
    bool now;
    if (armed.spec.nth != 0) {
      now = armed.seen == armed.spec.nth;
    } else {
      // 53 random bits as a number in [0, 1): the same on every C++ library, unlike std::bernoulli.
      now = static_cast<double>(armed.random() >> 11) * 0x1p-53 < armed.spec.probability;
    }
    if (now && duration && !fires) *duration = armed.spec.duration;
    fires |= now;
    if (now && armed.spec.nth != 0) {
      armed_.erase(armed_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  if (fires) ++fired_[static_cast<size_t>(kind)];
  if (armed_.empty()) any_.store(false, std::memory_order_release);
  return fires;
}

uint64_t FaultInjector::fired(FaultKind kind) const {
  base::MutexLock lock(mutex_);
  return fired_[static_cast<size_t>(kind)];
}

}  // namespace fakegpu::hw
