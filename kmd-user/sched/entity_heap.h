// SPDX-License-Identifier: MIT
// The entities whose head may run, for policies that order by priority and one number. Equal keys
// leave in the order in which they came.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "indexed_heap.h"
#include "sched/entity.h"
#include "sched/memory.h"

namespace fakegpu::sched {

struct RankKey {
  int32_t tier;  // compared first: a priority
  int64_t rank;
  uint64_t arrival;
  auto operator<=>(const RankKey&) const = default;
};

inline uint32_t& ready_place(Entity& entity) {
  return entity.policy_slot().ready;
}

using EntityHeap = IndexedHeap<Entity, RankKey, ready_place>;

class ReadyHeap {
 public:
  void reserve(size_t entities) { heap_.reserve(entities); }
  size_t size() const { return heap_.size(); }
  Entity* best() const { return heap_.best(); }
  // Smaller `rank` first, within the tier. The entity is not in the heap.
  void add(Entity& entity, int32_t tier, int64_t rank) {
    heap_.add(entity, {tier, rank, next_arrival_++});
  }
  void remove(Entity& entity) { heap_.remove(entity); }

  // As Policy's. restore() takes one memory; false: it is none of a heap.
  void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const {
    for (Entity* entity : entities) {
      if (!EntityHeap::contains(*entity)) continue;
      const RankKey& key = heap_.key(*entity);
      to.push_back({entity, "ready", 0, {key.tier, key.rank, static_cast<int64_t>(key.arrival)}});
    }
    to.push_back({nullptr, "arrivals", 0, {static_cast<int64_t>(next_arrival_)}});
  }
  bool restore(const PolicyMemory& memory) {
    const auto& [tier, rank, arrival] = memory.numbers;
    if (!memory.in_range()) return false;
    if (memory.is(false, "arrivals")) {
      next_arrival_ = static_cast<uint64_t>(memory.numbers[0]);
      return memory.numbers[0] >= 0;
    }
    if (!memory.is(true, "ready") || EntityHeap::contains(*memory.entity) || tier < 0 ||
        tier >= int64_t{kPriorities} || arrival < 0)
      return false;
    heap_.add(*memory.entity, {static_cast<int32_t>(tier), rank, static_cast<uint64_t>(arrival)});
    return true;
  }

 private:
  EntityHeap heap_;
  uint64_t next_arrival_ = 0;
};

}  // namespace fakegpu::sched
