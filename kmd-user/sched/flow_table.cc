// SPDX-License-Identifier: MIT
#include "flow_table.h"

#include <algorithm>
#include <bit>

namespace fakegpu::sched {

void FlowTable::reserve(size_t entities) {
  const size_t wanted = std::bit_ceil(std::max<size_t>(2 * entities, 16));
  if (wanted <= buckets_.size()) return;
  buckets_.assign(wanted, kNone);
  for (uint32_t i = 0; i < flows_.size(); ++i) {
    Flow& flow = flows_[i];
    if (!flow.live) continue;
    uint32_t& first = buckets_[bucket(flow.client, flow.priority)];
    flow.next = std::exchange(first, i);
  }
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
    flow.vtime = vtime_now;
    flow.entity_vtime = 0;
    uint32_t& first = buckets_[bucket(client, priority)];
    flow.next = std::exchange(first, at);
  }
  Flow& flow = flows_[at];
  ++flow.entities;
  flow.ready.reserve(2 * size_t{flow.entities} + Flow::kGuests);
  return at;
}

void FlowTable::leave(uint32_t flow, int64_t vtime_now) {
  --flows_[flow].entities;
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
// use the oldest numbers are forgiven: a bound on memory counts more.
void FlowTable::sweep(int64_t vtime_now) {
  for (unsigned i = 0; i < kSweep && !flows_.empty(); ++i) {
    swept_ = (swept_ + 1) % static_cast<uint32_t>(flows_.size());
    Flow& flow = flows_[swept_];
    if (!flow.live || flow.in_use()) continue;
    if (flow.vtime <= vtime_now || live_ > buckets_.size()) drop(swept_);
  }
}

}  // namespace fakegpu::sched
