// SPDX-License-Identifier: MIT
// A selection policy: which entity's head job goes next. A policy is a small class chosen by name;
// each states its assumption and its starvation bound (docs/scheduling.md).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sched/memory.h"

namespace fakegpu::sched {

// All under the device lock. Nothing here may fail; only where it is said may it allocate,
// the rest runs between the arming of jobs and their signals.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;

  // There will be at most this many entities. May allocate.
  virtual void reserve(size_t) {}
  // The entity belongs to this policy's run queue from now on, with a fresh PolicySlot / no longer.
  // May allocate.
  virtual void attach(Entity&) {}
  virtual void detach(Entity&) {}

  // The entity's queue got its first job, which may not be able to run yet / has none any more.
  virtual void filled(Entity&) {}
  virtual void emptied(Entity&) {}

  // The entity's head job may run (its dependencies are met) / may no longer (popped, killed,
  // priority or urgency changing, blocked). An entity is added at most once; remove() of one not
  // added does nothing.
  virtual void add(Entity& entity, const Job& head) = 0;
  virtual void remove(Entity& entity) = 0;

  // The next to serve, left in place; null if none. O(log n).
  virtual Entity* pick() = 0;

  // `job`, so far the head of `entity`, is being started; the entity is removed next / the job has
  // finished. Only for jobs that this policy started. Never from a fence callback.
  virtual void started(Entity&, Job&) {}
  virtual void finished(Job&) {}

  // The entity's priority has changed, between remove() and add(). May allocate.
  virtual void reprioritize(Entity&) {}
  // The ring had nothing to execute for so long; told before what ends that is added.
  virtual void ring_idle(base::Nanos) {}

  virtual size_t ready() const = 0;

  // Tells what it decides by and cannot find out again from the entities, which are all that are
  // attached, and their jobs. Changes nothing. May allocate.
  virtual void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const = 0;
  // Takes that over from another policy of this name, before anything else has come of it: entities
  // and their jobs are there as they were then, none is ready. What was ready is afterwards. May
  // allocate. False: this is no such policy's memory; it cannot be used any more then.
  virtual bool restore(std::span<Entity* const> entities, std::span<const PolicyMemory> from) = 0;
  // The job was started by that other policy, and has not finished. False: it cannot have been.
  virtual bool restore_charge(const Job&) { return true; }
  // Whether it heeds Entity::lift(); if not, nobody goes to the trouble.
  virtual bool heeds_urgency() const { return false; }
};

// "prepaid", the default: weighted fair shares of GPU time, charged before a job runs and settled
// after. Nobody who has jobs waits for ever.
// "fair": drm_sched's from 7.2, charged after the fact; its weak points included.
// "fifo": strict priority, then the oldest head job (drm_sched's default from 6.2 to 7.1). Assumes
// higher priorities leave gaps; without them lower ones starve, by design.
// "rr": strict priority, then the entity served longest ago; a new one queues behind all others.
// Assumes jobs of like length. Within a priority a ready entity waits for at most one job of each
// other one.
// "edf": the earliest deadline; a job without one has one by its priority. Assumes that the
// deadlines can be met.
// -EINVAL if there is no such policy.
base::Result<std::unique_ptr<Policy>> make_policy(std::string_view name);
// The default first.
std::span<const std::string_view> policy_names();

}  // namespace fakegpu::sched
