// SPDX-License-Identifier: MIT
#include "base/fault_injector.h"

#include <algorithm>

namespace fakegpu::base {

bool FaultInjector::knows(std::string_view name) const {
  return std::ranges::find(kinds_, name, &FaultDescription::name) != kinds_.end();
}

Result<> FaultInjector::check(const FaultSpec& spec, const FaultDescription& kind) {
  if ((spec.nth == 0) == (spec.probability == 0))
    return fail(EINVAL, "fault {}: either nth or a probability", spec.name);
  if (spec.probability > kAlways)
    return fail(EINVAL, "fault {}: probability {} of {}", spec.name, spec.probability, kAlways);
  if (spec.seed != 0 && spec.probability == 0)
    return fail(EINVAL, "fault {}: a seed, and no probability", spec.name);
  if (spec.lasts < 0 || spec.lasts > kLongest)
    return fail(EINVAL, "fault {}: armed for {} ns", spec.name, spec.lasts);
  if (spec.ring < -1 || (spec.ring >= 0 && !(kind.takes & kFaultTakesRing)))
    return fail(EINVAL, "fault {}: ring {}", spec.name, spec.ring);
  const bool takes_duration = (kind.takes & kFaultTakesDuration) != 0;
  if (takes_duration ? spec.duration <= 0 || spec.duration > kLongest : spec.duration != 0)
    return fail(EINVAL, "fault {}: duration {} ns", spec.name, spec.duration);
  const bool takes_call = (kind.takes & kFaultTakesCall) != 0;
  if (takes_call ? spec.error <= 0 || spec.error > kLargestErrno : spec.error != 0)
    return fail(EINVAL, "fault {}: errno {}", spec.name, spec.error);
  if (spec.call < -1 || (spec.call >= 0 && !takes_call))
    return fail(EINVAL, "fault {}: ioctl {}", spec.name, spec.call);
  return {};
}

Result<> FaultInjector::inject(const FaultSpec& spec) {
  const auto found = std::ranges::find(kinds_, spec.name, &FaultDescription::name);
  if (found == kinds_.end()) return fail(EINVAL, "no fault named '{}'", spec.name);
  FAKEGPU_TRY(check(spec, *found));
  MutexLock lock(mutex_);
  drop_expired();
  if (entries_.size() >= kMostArmed)
    return fail(ENOSPC, "fault {}: {} are armed", spec.name, entries_.size());
  const Nanos until = spec.lasts == 0 ? INT64_MAX : clock_.now() + spec.lasts;
  entries_.push_back(
      {static_cast<size_t>(found - kinds_.begin()), {spec}, until, std::mt19937_64(spec.seed)});
  any_.store(true, std::memory_order_release);
  return {};
}

void FaultInjector::clear(std::string_view name) {
  MutexLock lock(mutex_);
  std::erase_if(entries_, [name](const Entry& entry) {
    return name.empty() || entry.armed.spec.name == name;
  });
  any_.store(!entries_.empty(), std::memory_order_release);
}

void FaultInjector::drop_expired() {
  const Nanos now = clock_.now();
  std::erase_if(entries_, [now](const Entry& entry) { return entry.until <= now; });
  any_.store(!entries_.empty(), std::memory_order_release);
}

std::vector<FaultInjector::Armed> FaultInjector::list() const {
  const Nanos now = clock_.now();
  MutexLock lock(mutex_);
  std::vector<Armed> all;
  for (const Entry& entry : entries_) {
    if (entry.until <= now) continue;
    all.push_back(entry.armed);
    if (entry.until != INT64_MAX) all.back().spec.lasts = entry.until - now;
  }
  return all;
}

uint64_t FaultInjector::fired(size_t kind) const {
  MutexLock lock(mutex_);
  return fired_[kind];
}

// 32 random bits: the same on every C++ library, unlike std::bernoulli_distribution.
bool FaultInjector::Entry::draw() {
  ++armed.seen;
  const bool now =
      armed.spec.nth != 0 ? armed.seen == armed.spec.nth : random() >> 32 < armed.spec.probability;
  if (now) ++armed.fired;
  return now;
}

bool FaultInjector::fires(size_t kind, unsigned subject, Shot* shot, Counts counts) {
  if (!armed()) return false;
  MutexLock lock(mutex_);
  drop_expired();
  const bool by_call = (kinds_[kind].takes & kFaultTakesCall) != 0;
  bool fires = false;
  // Every armed fault of this kind counts the trigger, so that two of them do not shift each other.
  for (Entry& entry : entries_) {
    const FaultSpec& spec = entry.armed.spec;
    const int wanted = by_call ? spec.call : spec.ring;
    if (entry.kind != kind || (wanted < 0 && counts == Counts::kNamed)) continue;
    if (wanted >= 0 && static_cast<unsigned>(wanted) != subject) continue;
    if (!entry.draw()) continue;
    if (shot && !fires) *shot = {spec.duration, spec.error};
    fires = true;
  }
  std::erase_if(entries_, [](const Entry& entry) {
    return entry.armed.spec.nth != 0 && entry.armed.fired != 0;
  });
  if (fires) ++fired_[kind];
  any_.store(!entries_.empty(), std::memory_order_release);
  return fires;
}

}  // namespace fakegpu::base
