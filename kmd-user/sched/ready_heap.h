// SPDX-License-Identifier: MIT
// A heap of entities for policies that order by priority and one number: O(log n) to add, to remove
// from the middle, and to take the best. Equal keys leave in the order in which they came.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sched/entity.h"

namespace fakegpu::sched {

class ReadyHeap {
 public:
  void reserve(size_t entities) {
    if (entities > entries_.capacity()) entries_.reserve(2 * entities);
  }
  size_t size() const { return entries_.size(); }
  Entity* best() const { return entries_.empty() ? nullptr : entries_.front().entity; }

  // Smaller `rank` first, within the entity's priority. The entity is not in the heap.
  void add(Entity& entity, int64_t rank) {
    entries_.push_back({entity.priority(), rank, next_arrival_++, &entity});
    up(entries_.size() - 1);
  }
  // Nothing if it is not there.
  void remove(Entity& entity) {
    const size_t at = entity.policy_slot().index;
    if (at == PolicySlot::kNone) return;
    entity.policy_slot().index = PolicySlot::kNone;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (at == entries_.size()) return;
    put(at, last);
    up(at);
    down(last.entity->policy_slot().index);
  }

 private:
  struct Entry {
    Priority priority;
    int64_t rank;
    uint64_t arrival;
    Entity* entity;
  };

  static bool before(const Entry& a, const Entry& b) {
    if (a.priority != b.priority) return a.priority < b.priority;
    if (a.rank != b.rank) return a.rank < b.rank;
    return a.arrival < b.arrival;
  }
  void put(size_t at, const Entry& entry) {
    entries_[at] = entry;
    entry.entity->policy_slot().index = static_cast<uint32_t>(at);
  }
  void up(size_t at) {
    const Entry entry = entries_[at];
    for (; at > 0 && before(entry, entries_[(at - 1) / 2]); at = (at - 1) / 2) {
      put(at, entries_[(at - 1) / 2]);
    }
    put(at, entry);
  }
  void down(size_t at) {
    const Entry entry = entries_[at];
    for (size_t child; (child = 2 * at + 1) < entries_.size(); at = child) {
      if (child + 1 < entries_.size() && before(entries_[child + 1], entries_[child])) ++child;
      if (!before(entries_[child], entry)) break;
      put(at, entries_[child]);
    }
    put(at, entry);
  }

  std::vector<Entry> entries_;
  uint64_t next_arrival_ = 0;
};

}  // namespace fakegpu::sched
