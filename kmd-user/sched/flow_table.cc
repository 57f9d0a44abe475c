// SPDX-License-Identifier: MIT
#include "flow_table.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace fakegpu::sched {

void FlowTable::reserve(size_t entities) {
  const size_t wanted = std::bit_ceil(std::max<size_t>(2 * entities, 16));
  if (wanted <= buckets_.size()) return;
  buckets_.assign(wanted, kNone);
  for (uint32_t i = 0; i < flows_.size(); ++i) {
    if (flows_[i].live) link(i);
  }
}

void FlowTable::link(uint32_t at) {
  uint32_t& first = buckets_[bucket(flows_[at].client, flows_[at].priority)];
  flows_[at].next = std::exchange(first, at);
}

size_t FlowTable::bucket(uint64_t client, Priority priority) const {
  const uint64_t key = client * kPriorities + static_cast<uint64_t>(priority);
  return (key * 0x9e3779b97f4a7c15) >> 32 & (buckets_.size() - 1);
}

uint32_t FlowTable::find(uint64_t client, Priority priority) const {
  if (buckets_.empty()) return kNone;
  uint32_t at = buckets_[bucket(client, priority)];
  while (at != kNone && (flows_[at].client != client || flows_[at].priority != priority))
    at = flows_[at].next;
  return at;
}

uint32_t FlowTable::take() {
  if (free_ != kNone) return std::exchange(free_, flows_[free_].next);
  flows_.emplace_back();
  return static_cast<uint32_t>(flows_.size() - 1);
}

uint32_t FlowTable::join(uint64_t client, Priority priority, int64_t vtime_now) {
  sweep(vtime_now);
  uint32_t at = find(client, priority);
  if (at == kNone) {
    at = take();
    ++live_;
    Flow& flow = flows_[at];
    flow.live = true;
    flow.client = client;
    flow.priority = priority;
    flow.vtime = vtime_now - 1;  // as of one that comes back
    flow.entity_vtime = 0;
    link(at);
  }
  enter(at);
  return at;
}

void FlowTable::enter(uint32_t at) {
  Flow& flow = flows_[at];
  ++flow.entities;
  most_entities_ = std::max(most_entities_, ++entities_);
  flow.ready.reserve(2 * size_t{flow.entities} + Flow::kGuests);
}

void FlowTable::leave(uint32_t flow, int64_t vtime_now) {
  --flows_[flow].entities;
  --entities_;
  retire(flow, vtime_now);
}

void FlowTable::retire(uint32_t flow, int64_t vtime_now) {
  if (!flows_[flow].in_use() && flows_[flow].vtime <= vtime_now) drop(flow);
}

void FlowTable::drop(uint32_t at) {
  Flow& flow = flows_[at];
  uint32_t* link = &buckets_[bucket(flow.client, flow.priority)];
  while (*link != at) link = &flows_[*link].next;
  *link = flow.next;
  flow.live = false;
  flow.next = std::exchange(free_, at);
  --live_;
}

// Those that went in debt, as far as time has paid for them. With many more debtors than flows in
// use the oldest numbers are forgiven: a bound on memory counts more. How much room there happens
// to be is not to decide.
void FlowTable::sweep(int64_t vtime_now) {
  const size_t most = std::max<size_t>(2 * most_entities_, 16);
  for (unsigned i = 0; i < kSweep && !flows_.empty(); ++i) {
    swept_ = (swept_ + 1) % static_cast<uint32_t>(flows_.size());
    Flow& flow = flows_[swept_];
    if (!flow.live || flow.in_use()) continue;
    if (flow.vtime <= vtime_now || live_ > most) drop(swept_);
  }
}

void FlowTable::save(std::vector<PolicyMemory>& to) const {
  to.push_back({nullptr,
                "table",
                0,
                {static_cast<int64_t>(flows_.size()), int64_t{swept_},
                 static_cast<int64_t>(most_entities_)}});
  for (uint32_t i = 0; i < flows_.size(); ++i) {
    const Flow& flow = flows_[i];
    if (!flow.live) continue;
    to.push_back({nullptr,
                  "flow",
                  i,
                  {static_cast<int64_t>(flow.client), static_cast<int64_t>(flow.priority)}});
    to.push_back({nullptr, "vtime", i, {flow.vtime, flow.entity_vtime}});
  }
  for (uint32_t i = free_; i != kNone; i = flows_[i].next) to.push_back({nullptr, "free", i, {}});
}

bool FlowTable::restore(std::span<const PolicyMemory> from) {
  flows_.clear();
  std::ranges::fill(buckets_, kNone);
  free_ = kNone;
  live_ = entities_ = most_entities_ = 0;
  size_t places = 0;
  for (const PolicyMemory& memory : from)
    places += memory.is(false, "flow") || memory.is(false, "free");
  flows_.resize(places);
  reserve(places);
  std::vector<bool> taken(places);
  bool sized = false;
  uint32_t* free = &free_;
  for (const PolicyMemory& memory : from) {
    const auto& numbers = memory.numbers;
    const auto index = static_cast<uint32_t>(memory.index);
    if (memory.is(false, "table")) {
      if (std::exchange(sized, true) || numbers[0] != static_cast<int64_t>(places) ||
          numbers[1] < 0 || numbers[1] >= std::max<int64_t>(numbers[0], 1) || numbers[2] < 0 ||
          numbers[2] > UINT32_MAX)
        return false;
      swept_ = static_cast<uint32_t>(numbers[1]);
      most_entities_ = static_cast<size_t>(numbers[2]);
      continue;
    }
    const bool is_free = memory.is(false, "free");
    if (!is_free && !memory.is(false, "flow")) continue;
    if (memory.index >= places || taken[index]) return false;
    taken[index] = true;
    if (is_free) {
      *free = index;
      free = &flows_[index].next;
      continue;
    }
    if (numbers[1] < 0 || numbers[1] >= int64_t{kPriorities}) return false;
    Flow& flow = flows_[index];
    flow.client = static_cast<uint64_t>(numbers[0]);
    flow.priority = static_cast<Priority>(numbers[1]);
    if (find(flow.client, flow.priority) != kNone) return false;
    flow.live = true;
    ++live_;
    link(index);
  }
  for (const PolicyMemory& memory : from) {
    if (!memory.is(false, "vtime")) continue;
    if (!memory.in_range() || memory.index >= places || !flows_[memory.index].live) return false;
    flows_[memory.index].vtime = memory.numbers[0];
    flows_[memory.index].entity_vtime = memory.numbers[1];
  }
  return sized;
}

uint32_t FlowTable::rejoin(uint64_t client, Priority priority) {
  const uint32_t at = find(client, priority);
  if (at != kNone) enter(at);
  return at;
}

}  // namespace fakegpu::sched
