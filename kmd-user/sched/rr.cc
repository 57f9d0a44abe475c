// SPDX-License-Identifier: MIT
// drm_sched's RR: entities take turns, one job each. Fair by job count, so only where jobs are of
// like length.
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

 private:
  ReadyHeap heap_;
  uint64_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_rr() {
  return std::make_unique<RoundRobin>();
}

}  // namespace fakegpu::sched
