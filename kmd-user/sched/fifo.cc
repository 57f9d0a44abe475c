// SPDX-License-Identifier: MIT
// drm_sched's FIFO: the oldest waiting head job. A client that queued a long backlog first is
// served until it has caught up with everybody else's submissions; within a priority nobody waits
// for a job that was pushed after his own.
#include <algorithm>

#include "entity_heap.h"
#include "policies.h"
#include "sched/job.h"

namespace fakegpu::sched {
namespace {

class Fifo final : public Policy {
 public:
  std::string_view name() const override { return "fifo"; }
  void reserve(size_t entities) override { heap_.reserve(entities); }
  void add(Entity& entity, const Job& head) override {
    heap_.add(entity, static_cast<int32_t>(entity.priority()), head.pushed_at());
  }
  void remove(Entity& entity) override { heap_.remove(entity); }
  Entity* pick() override { return heap_.best(); }
  size_t ready() const override { return heap_.size(); }
  void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const override {
    heap_.save(entities, to);
  }
  bool restore(std::span<Entity* const>, std::span<const PolicyMemory> from) override {
    return std::ranges::all_of(from, [this](const auto& one) { return heap_.restore(one); });
  }

 private:
  ReadyHeap heap_;
};

}  // namespace

std::unique_ptr<Policy> make_fifo() {
  return std::make_unique<Fifo>();
}

}  // namespace fakegpu::sched
