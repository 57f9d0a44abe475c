// SPDX-License-Identifier: MIT
// What a scheduler knows between two events: with it another one goes on in its place, and chooses
// what it would have chosen. A recording begins with it (docs/recording.md), a replay goes on from
// it. drm_sched has no counterpart.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "fence/fence.h"
#include "sched/account.h"
#include "sched/lift.h"

namespace fakegpu::sched {

class Entity;
class Job;

struct EntityMemory {
  Entity* entity = nullptr;
  AccountMemory account;
  Lift lift;
  bool woken = false;       // its head is to be looked at
  fence::FenceRef blocker;  // what Backend::prepare_job() has its head wait for; null: nothing
};

struct JobMemory {
  enum class Place : uint8_t {
    kQueued,
    kOnRing,
    kSettled,   // its outcome is known, and it waits for what must finish before it does
    kFinished,  // a stopped scheduler has not freed it yet
  };
  Job* job = nullptr;
  Place place = Place::kQueued;
  bool started = false;  // it was given to the ring; settled jobs may have been refused instead
  bool charged = false;  // the policy that is there started it
  uint32_t flow = PolicySlot::kNone;  // PolicyCharge's, as the next
  base::Nanos expected = 0;
  uint32_t met = 0;  // so many of its dependencies hold it up no more
  int error = 0;     // of its finished fence
  base::Nanos pushed_at = 0;
  base::Nanos started_at = 0;
  base::Nanos finished_at = 0;
};

// Something that a policy keeps of an entity, or of itself: up to three numbers with a name.
struct PolicyMemory {
  static constexpr size_t kMaxName = 8;
  // Beyond, arithmetic with it might overflow.
  static constexpr int64_t kMost = int64_t{1} << 61;

  Entity* entity = nullptr;  // null: of itself
  std::string_view name;
  uint64_t index = 0;  // where there are several of a name
  std::array<int64_t, 3> numbers = {};

  bool is(bool of_entity, std::string_view wanted) const {
    return (entity != nullptr) == of_entity && name == wanted;
  }
  bool in_range() const {
    for (const int64_t number : numbers)
      if (number < -kMost || number > kMost) return false;
    return true;
  }
};

struct SchedulerMemory {
  // What is beyond is no real one: a job's length, or an estimate of it; GPU time of an account,
  // half a year, which policies multiply; times, from 0 on.
  static constexpr base::Nanos kLongest = base::Nanos{1} << 45;
  static constexpr base::Nanos kMostGpuTime = base::Nanos{1} << 54;
  static constexpr base::Nanos kLatest = base::Nanos{1} << 58;

  AccountMemory totals;
  base::Nanos idle_since = 0;
  std::vector<EntityMemory> entities;  // in the order in which they came
  // By place, in the order of the places. On the ring: oldest first. Settled: in the order in which
  // they began to wait. Finished: in that order. Queued: as they were pushed.
  std::vector<JobMemory> jobs;
  std::vector<PolicyMemory> policy;
};

}  // namespace fakegpu::sched
