// SPDX-License-Identifier: MIT
// A selection policy: which entity's head job goes next. A policy is a small class chosen by name;
// each states its assumption and its starvation bound.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace fakegpu::sched {

class Entity;
class Job;

class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;

  // The entity's head job may run (its dependencies are met) / may no longer (popped, killed,
  // priority changing, blocked). An entity is added at most once; remove() of one not added does
  // nothing.
  virtual void add(Entity& entity, const Job& head) = 0;
  virtual void remove(Entity& entity) = 0;

  // The next to serve, left in place; null if none. O(log n).
  virtual Entity* pick() = 0;

  // There will be at most this many entities, so that add() need not allocate.
  virtual void reserve(size_t) {}

  // `job` of `entity` was started (and removed) / has finished. Never from a fence callback.
  virtual void started(Entity&, const Job&) {}
  virtual void finished(const Job&) {}

  virtual size_t ready() const = 0;
};

// "fifo": strict priority, then the oldest head job (drm_sched's default from 6.2 to 7.1). Assumes
// higher priorities leave gaps; without them lower ones starve, by design.
// "rr": strict priority, then the entity served longest ago; a new one queues behind all others.
// Assumes jobs of like length. Within a priority a ready entity waits for at most one job of each
// other one. -EINVAL if there is no such policy.
base::Result<std::unique_ptr<Policy>> make_policy(std::string_view name);
std::span<const std::string_view> policy_names();

}  // namespace fakegpu::sched
