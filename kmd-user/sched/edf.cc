// SPDX-License-Identifier: MIT
// Earliest deadline first. A job whose fence has no deadline gets one by its priority, counted from
// its push, so that it cannot wait for ever behind those that have: it competes with them as soon
// as its own time has come. Assumes that the deadlines can be met; past that point everybody is
// late, the latest submitter most.
#include <algorithm>

#include "entity_heap.h"
#include "policies.h"
#include "sched/job.h"

namespace fakegpu::sched {
namespace {

constexpr base::Nanos kImplied[kPriorities] = {0, 10 * base::kNanosPerMilli,
                                               100 * base::kNanosPerMilli, base::kNanosPerSecond};

class Edf final : public Policy {
 public:
  std::string_view name() const override { return "edf"; }
  void reserve(size_t entities) override { heap_.reserve(entities); }
  void add(Entity& entity, const Job& head) override {
    const Lift& lift = entity.lift();
    const Priority priority = std::min(entity.priority(), lift.priority);
    base::Nanos deadline = head.pushed_at() + kImplied[static_cast<size_t>(priority)];
    if (lift.deadline != 0) deadline = std::min(deadline, lift.deadline);
    heap_.add(entity, priority == Priority::kKernel ? 0 : 1, deadline);
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
  bool heeds_urgency() const override { return true; }

 private:
  ReadyHeap heap_;
};

}  // namespace

std::unique_ptr<Policy> make_edf() {
  return std::make_unique<Edf>();
}

}  // namespace fakegpu::sched
