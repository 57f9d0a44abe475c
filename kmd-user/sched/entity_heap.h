// SPDX-License-Identifier: MIT
// The entities whose head may run, for policies that order by priority and one number. Equal keys
// leave in the order in which they came.
#pragma once

#include <compare>
#include <cstdint>

#include "indexed_heap.h"
#include "sched/entity.h"

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

 private:
  EntityHeap heap_;
  uint64_t next_arrival_ = 0;
};

}  // namespace fakegpu::sched
