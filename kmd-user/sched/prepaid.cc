// SPDX-License-Identifier: MIT
// Weighted fair GPU time, charged before a job runs with what it is expected to take and settled
// after (start-time fair queueing over estimates). docs/scheduling.md has the reasoning and the
// bounds. Per flow a virtual time: what it was charged over its weight; the flow that is furthest
// behind goes next. Who comes back from sleep comes in at the virtual time of now: not punished for
// having slept, no credit either, but what was owed is still owed.
#include <algorithm>

#include "flow_table.h"
#include "policies.h"
#include "sched/job.h"

namespace fakegpu::sched {
namespace {

// Virtual nanoseconds for one of GPU time: high to normal 4, normal to low 8. Kernel jobs go before
// all others and pay nobody.
constexpr int64_t kPrice[kPriorities] = {1, 1, 4, 32};

// How far ahead of its turn, in virtual nanoseconds, a flow may go with a job that somebody sleeps
// for: a millisecond of normal work. It is repaid, so it moves a share by no more than that.
constexpr int64_t kLead = 4 * base::kNanosPerMilli;

// What one job may cost: beyond, arithmetic counts more than fairness.
constexpr int64_t kMaxCost = 3600 * base::kNanosPerSecond;

// Low-priority work as a whole gets one part in so many of the GPU, however many others there are.
constexpr int64_t kFloor = 32;

struct FlowKey {
  int64_t rank;
  uint64_t arrival;
  auto operator<=>(const FlowKey&) const = default;
};

uint32_t& flow_place(Flow& flow) {
  return flow.place;
}

class Prepaid final : public Policy {
 public:
  std::string_view name() const override { return "prepaid"; }
  bool heeds_urgency() const override { return true; }
  size_t ready() const override { return ready_; }

  void reserve(size_t entities) override {
    flows_.reserve(entities);
    for (Heap& heap : heaps_) heap.reserve(entities);
  }
  void attach(Entity& entity) override {
    entity.policy_slot().flow = flows_.join(entity.client_id(), entity.priority(), now_);
  }
  void detach(Entity& entity) override { flows_.leave(entity.policy_slot().flow, now_); }
  void reprioritize(Entity& entity) override {
    detach(entity);
    attach(entity);
    entity.policy_slot().stamp = 0;
  }

  void add(Entity& entity, const Job& head) override {
    PolicySlot& slot = entity.policy_slot();
    slot.waiting = home(entity);
    slot.charged = head.charge().expected;
    Flow& flow = flows_[slot.waiting];
    // Just ahead of those that stand where the ring does: they had their turns meanwhile.
    if (flow.ready.empty()) flow.vtime = std::max(flow.vtime, now_ - 1);
    // A stamp counts in the entity's own flow only.
    int64_t stamp = flow.entity_vtime;
    if (slot.waiting == slot.flow) {
      stamp = std::max(stamp, static_cast<int64_t>(slot.stamp));
      slot.stamp = static_cast<uint64_t>(stamp);
    }
    const int64_t lead = lead_of(entity.lift());
    if (lead > 0) ++flow.urgent;
    flow.ready.add(entity, {0, stamp - lead, next_arrival_++});
    ++ready_;
    place(flow);
  }

  void remove(Entity& entity) override {
    PolicySlot& slot = entity.policy_slot();
    if (!EntityHeap::contains(entity)) return;
    Flow& flow = flows_[slot.waiting];
    if (lead_of(entity.lift()) > 0) --flow.urgent;
    flow.ready.remove(entity);
    --ready_;
    place(flow);
    flows_.retire(slot.waiting, now_);
  }

  Entity* pick() override {
    for (const Tier tier : {kKernel, kRegular, kLow}) {
      Heap& heap = heaps_[tier];
      if (heap.empty()) continue;
      if (tier == kRegular && low_is_next()) continue;
      return heap.best()->ready.best();
    }
    return nullptr;
  }

  void started(Entity& entity, Job& job) override {
    PolicySlot& slot = entity.policy_slot();
    Flow& flow = flows_[slot.waiting];
    advance(flow);
    flow.entity_vtime = std::max(flow.entity_vtime, flow.ready.key(entity).rank);
    const int64_t cost = bounded(job.charge().expected);
    if (slot.waiting == slot.flow) slot.stamp += static_cast<uint64_t>(cost);
    job.charge().flow = slot.waiting;
    ++flow.charged;
    charge(flow, cost);  // remove() comes next, and puts the flow where it belongs
  }

  void finished(Job& job) override {
    const PolicyCharge& paid = job.charge();
    Flow& flow = flows_[paid.flow];
    const base::Nanos length = job.finished_at() - job.started_at();
    const int64_t more = bounded(length) - bounded(paid.expected);
    PolicySlot& slot = job.account().policy_slot();
    if (slot.flow == paid.flow) {
      const int64_t stamp = static_cast<int64_t>(slot.stamp) + more;
      slot.stamp = static_cast<uint64_t>(std::max<int64_t>(stamp, 0));
    }
    charge(flow, more);
    place(flow);
    --flow.charged;
    flows_.retire(paid.flow, now_);
  }

  // Nobody was kept from the GPU meanwhile: it pays what anybody owes, as normal work would have.
  void ring_idle(base::Nanos span) override {
    now_ += kPrice[static_cast<size_t>(Priority::kNormal)] * span;
  }

  void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const override {
    to.push_back({nullptr, "now", 0, {now_, floor_credit_, static_cast<int64_t>(next_arrival_)}});
    flows_.save(to);
    flows_.for_each([&](uint32_t index, const Flow& flow) {
      if (flow.place == Heap::kNowhere) return;
      const uint64_t arrival = heaps_[tier(flow)].key_at(flow.place).arrival;
      to.push_back({nullptr, "turn", index, {static_cast<int64_t>(arrival)}});
    });
    for (Entity* entity : entities) {
      const PolicySlot& slot = entity->policy_slot();
      to.push_back({entity, "stamp", 0, {static_cast<int64_t>(slot.stamp)}});
      if (!EntityHeap::contains(*entity)) continue;
      const RankKey& key = flows_[slot.waiting].ready.key(*entity);
      to.push_back({entity,
                    "ready",
                    0,
                    {int64_t{slot.waiting}, key.rank, static_cast<int64_t>(key.arrival)}});
    }
  }

  bool restore(std::span<Entity* const> entities, std::span<const PolicyMemory> from) override {
    if (!flows_.restore(from)) return false;
    for (Entity* entity : entities) {
      uint32_t& flow = entity->policy_slot().flow;
      flow = flows_.rejoin(entity->client_id(), entity->priority());
      if (flow == FlowTable::kNone) return false;
    }
    for (const PolicyMemory& memory : from)
      if (!memory.is(false, "flow") && !restore(memory)) return false;
    // Their places follow from what is ready in them.
    for (const PolicyMemory& memory : from) {
      if (!memory.is(false, "turn")) continue;
      if (memory.index >= flows_.places() || memory.numbers[0] < 0) return false;
      Flow& flow = flows_[static_cast<uint32_t>(memory.index)];
      if (flow.ready.empty() || Heap::contains(flow)) return false;
      heaps_[tier(flow)].add(flow, {rank(flow), static_cast<uint64_t>(memory.numbers[0])});
    }
    bool whole = true;
    flows_.for_each([&whole](uint32_t, const Flow& flow) {
      whole = whole && flow.ready.empty() == (flow.place == Heap::kNowhere);
    });
    return whole;
  }

  bool restore_charge(const Job& job) override {
    if (!flows_.is_live(job.charge().flow)) return false;
    ++flows_[job.charge().flow].charged;
    return true;
  }

 private:
  using Heap = IndexedHeap<Flow, FlowKey, flow_place>;
  enum Tier { kKernel, kRegular, kLow, kTiers };

  static int64_t bounded(base::Nanos span) { return std::clamp<int64_t>(span, 1, kMaxCost); }
  static Tier tier(const Flow& flow) {
    if (flow.priority == Priority::kKernel) return kKernel;
    return flow.priority == Priority::kLow ? Tier::kLow : kRegular;
  }
  static int64_t lead_of(const Lift& lift) {
    if (!lift.lifted()) return 0;
    return lift.deadline != 0 ? 2 * kLead : kLead;
  }

  // One memory of what is no flow's own.
  bool restore(const PolicyMemory& memory) {
    const auto& numbers = memory.numbers;
    if (!memory.in_range()) return false;
    if (memory.is(false, "now")) {
      now_ = numbers[0];
      floor_credit_ = numbers[1];
      next_arrival_ = static_cast<uint64_t>(numbers[2]);
      return now_ >= 0 && numbers[2] >= 0;
    }
    if (memory.is(true, "stamp")) {
      memory.entity->policy_slot().stamp = static_cast<uint64_t>(numbers[0]);
      return numbers[0] >= 0;
    }
    if (!memory.is(true, "ready"))
      return memory.name == "table" || memory.name == "vtime" || memory.name == "free" ||
             memory.name == "turn";
    Entity& entity = *memory.entity;
    if (numbers[0] < 0 || numbers[0] > UINT32_MAX ||
        !flows_.is_live(static_cast<uint32_t>(numbers[0])) || numbers[2] < 0 ||
        EntityHeap::contains(entity) || !entity.head())
      return false;
    PolicySlot& slot = entity.policy_slot();
    slot.waiting = static_cast<uint32_t>(numbers[0]);
    slot.charged = entity.head()->charge().expected;
    Flow& flow = flows_[slot.waiting];
    if (lead_of(entity.lift()) > 0) ++flow.urgent;
    flow.ready.add(entity, {0, numbers[1], static_cast<uint64_t>(numbers[2])});
    ++ready_;
    return true;
  }

  // Where the entity competes: with a job that depends on it, if that is of a more important flow
  // here, which then pays for it; else at home.
  uint32_t home(Entity& entity) {
    const uint32_t own = entity.policy_slot().flow;
    const Lift& lift = entity.lift();
    if (lift.priority >= entity.priority()) return own;
    const uint32_t other = flows_.find(lift.client, lift.priority);
    return other == FlowTable::kNone || !flows_[other].has_room() ? own : other;
  }

  static int64_t rank(const Flow& flow) { return flow.vtime - (flow.urgent > 0 ? kLead : 0); }

  // Puts the flow where it belongs among the flows.
  void place(Flow& flow) {
    Heap& heap = heaps_[tier(flow)];
    if (flow.ready.empty()) {
      heap.remove(flow);
      return;
    }
    if (!Heap::contains(flow)) {
      heap.add(flow, {rank(flow), next_arrival_++});
    } else if (heap.key(flow).rank != rank(flow)) {
      heap.change(flow, {rank(flow), heap.key(flow).arrival});
    }
  }

  // Virtual time is where the flow that is being served stands, or a flow further behind that the
  // floor of low priority makes wait: nobody who has jobs is behind it.
  void advance(Flow& flow) {
    if (tier(flow) == kKernel) return;
    int64_t rank = heaps_[tier(flow)].key(flow).rank;
    if (!heaps_[kRegular].empty()) rank = std::min(rank, heaps_[kRegular].best_key().rank);
    now_ = std::max(now_, rank);
  }

  void charge(Flow& flow, int64_t cost) {
    if (tier(flow) == kLow) {
      floor_credit_ = std::max<int64_t>(floor_credit_ - cost, 0);
    } else if (!heaps_[kLow].empty()) {
      floor_credit_ += cost / (kFloor - 1);
    }
    flow.vtime += kPrice[static_cast<size_t>(flow.priority)] * cost;
  }

  // Whether low priority goes before the regular flows, of which there are some.
  bool low_is_next() {
    Heap& low = heaps_[kLow];
    if (low.empty()) return false;
    if (low.best_key() < heaps_[kRegular].best_key()) return true;
    const base::Nanos expected = low.best()->ready.best()->policy_slot().charged;
    return floor_credit_ > 0 && floor_credit_ >= expected;
  }

  FlowTable flows_;
  Heap heaps_[kTiers];
  int64_t now_ = 0;  // virtual time: that of the flow served last
  int64_t floor_credit_ =
      0;  // what low priority is owed, less what was given back; a job's length at most
  size_t ready_ = 0;
  uint64_t next_arrival_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_prepaid() {
  return std::make_unique<Prepaid>();
}

}  // namespace fakegpu::sched
