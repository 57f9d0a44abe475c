// SPDX-License-Identifier: MIT
// What shares GPU time under "prepaid": a flow is one client's jobs of one priority, whatever
// number of entities they come by. A flow with a debt outlives its entities, or who makes a new
// context for each job would never pay.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "entity_heap.h"

namespace fakegpu::sched {

struct Flow {
  bool live = false;
  uint64_t client = 0;
  Priority priority = Priority::kNormal;
  uint32_t entities = 0;        // of the client, at this priority
  uint32_t charged = 0;         // jobs started and not finished
  uint32_t urgent = 0;          // of the ready entities
  uint32_t place = UINT32_MAX;  // in the heap of flows
  uint32_t next = UINT32_MAX;   // in the bucket, or among the free ones
  int64_t vtime = 0;            // what it was charged, over its weight
  int64_t entity_vtime = 0;     // the same within: of the entity served last
  EntityHeap ready;

  // For one more entity that works for this flow's jobs. By the entities that it has now: what it
  // has had room for once is not to decide.
  bool has_room() const { return ready.size() < entities + kGuests; }
  static constexpr size_t kGuests = 2;

  bool in_use() const { return entities > 0 || charged > 0 || !ready.empty(); }
};

class FlowTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Room for the flows of so many entities and for as many that only have debts.
  void reserve(size_t entities);

  // The flow of an entity that comes, or goes. join() may allocate.
  uint32_t join(uint64_t client, Priority priority, int64_t vtime_now);
  void leave(uint32_t flow, int64_t vtime_now);
  // kNone if there is none.
  uint32_t find(uint64_t client, Priority priority) const;

  Flow& operator[](uint32_t flow) { return flows_[flow]; }
  const Flow& operator[](uint32_t flow) const { return flows_[flow]; }
  // Numbers of flows are below this; some are free.
  size_t places() const { return flows_.size(); }
  bool is_live(uint32_t flow) const { return flow < flows_.size() && flows_[flow].live; }
  // It may be unused now: forgets it unless it has a debt.
  void retire(uint32_t flow, int64_t vtime_now);
  size_t size() const { return live_; }
  template <typename F>
  void for_each(F&& visit) const {
    for (uint32_t i = 0; i < flows_.size(); ++i)
      if (flows_[i].live) visit(i, flows_[i]);
  }

  // As Policy's: which flows there are, where, and what they were charged; nothing of who is in
  // them. What else `from` has is left alone. False: it is no table's.
  void save(std::vector<PolicyMemory>& to) const;
  bool restore(std::span<const PolicyMemory> from);
  // An entity of a flow that restore() made; kNone: there is no such flow.
  uint32_t rejoin(uint64_t client, Priority priority);

 private:
  // Debtors looked at for each flow that comes: more go than come.
  static constexpr unsigned kSweep = 4;

  size_t bucket(uint64_t client, Priority priority) const;
  uint32_t take();
  void link(uint32_t at);
  void enter(uint32_t at);
  void drop(uint32_t flow);
  void sweep(int64_t vtime_now);

  std::deque<Flow> flows_;  // by number; they never move
  std::vector<uint32_t> buckets_;
  uint32_t free_ = kNone;
  uint32_t swept_ = 0;
  size_t live_ = 0;
  size_t entities_ = 0;
  size_t most_entities_ = 0;  // that there were at a time
};

}  // namespace fakegpu::sched
