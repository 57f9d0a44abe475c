// SPDX-License-Identifier: MIT
// drm_sched's RR: entities take turns, one job each. Fair by job count, so only where jobs are of
// like length.
#include <algorithm>

#include "entity_heap.h"
#include "policies.h"

namespace fakegpu::sched {
namespace {

class RoundRobin final : public Policy {
 public:
  std::string_view name() const override { return "rr"; }
  void reserve(size_t entities) override { heap_.reserve(entities); }
  void add(Entity& entity, const Job&) override {
    uint64_t& stamp = entity.policy_slot().stamp;
    if (stamp == 0) stamp = ++turn_;
    heap_.add(entity, static_cast<int32_t>(entity.priority()), static_cast<int64_t>(stamp));
  }
  void remove(Entity& entity) override { heap_.remove(entity); }
  Entity* pick() override { return heap_.best(); }
  void started(Entity& entity, Job&) override { entity.policy_slot().stamp = ++turn_; }
  size_t ready() const override { return heap_.size(); }

  void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const override {
    heap_.save(entities, to);
    to.push_back({nullptr, "turn", 0, {static_cast<int64_t>(turn_)}});
    for (Entity* entity : entities)
      to.push_back({entity, "turn", 0, {static_cast<int64_t>(entity->policy_slot().stamp)}});
  }
  bool restore(std::span<Entity* const>, std::span<const PolicyMemory> from) override {
    return std::ranges::all_of(from, [this](const PolicyMemory& memory) {
      if (memory.name != "turn") return heap_.restore(memory);
      uint64_t& turn = memory.entity ? memory.entity->policy_slot().stamp : turn_;
      turn = static_cast<uint64_t>(memory.numbers[0]);
      return memory.in_range() && memory.numbers[0] >= 0;
    });
  }

 private:
  ReadyHeap heap_;
  uint64_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_rr() {
  return std::make_unique<RoundRobin>();
}

}  // namespace fakegpu::sched
