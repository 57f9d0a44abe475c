// SPDX-License-Identifier: MIT
// drm_sched's only policy from 7.2: a tree by virtual runtime, charged when an entity is popped
// with more jobs behind, for what has been freed by then. Kept as it is, to be compared with: who
// never queues two jobs is never charged, and pays at once for all when it first does; a debt is
// forgiven to who goes idle last; of those that are not charged the last comers go first, and who
// was there before them never gets its turn. Assumes deep queues of jobs of like length.
#include <algorithm>

#include "entity_heap.h"
#include "policies.h"
#include "sched/job.h"

namespace fakegpu::sched {
namespace {

// Nominal shares of GPU time: kernel to high 2, high to normal 4, normal to low 8.
constexpr int kShift[kPriorities] = {1, 2, 4, 7};

uint32_t& waiting_place(Entity& entity) {
  return entity.policy_slot().waiting;
}

struct RuntimeKey {
  int64_t vruntime;
  uint64_t arrival;
  auto operator<=>(const RuntimeKey&) const = default;
};

class Fair final : public Policy {
 public:
  std::string_view name() const override { return "fair"; }
  void reserve(size_t entities) override {
    waiting_.reserve(entities);
    ready_.reserve(entities);
  }
  void detach(Entity& entity) override { waiting_.remove(entity); }

  void filled(Entity& entity) override {
    // While the entity is outside of the tree its measure is what it was ahead of the leftmost.
    int64_t vruntime = measure(entity);
    if (const Entity* leftmost = waiting_.best()) {
      if (vruntime == 0) vruntime = placement(entity, *leftmost);
      vruntime += waiting_.best_key().vruntime;
    }
    set_measure(entity, vruntime);
    waiting_.add(entity, {vruntime, next_arrival_++});
  }
  void emptied(Entity& entity) override {
    waiting_.remove(entity);
    const int64_t least = waiting_.empty() ? 0 : waiting_.best_key().vruntime;
    set_measure(entity, least == 0 ? 0 : std::max<int64_t>(0, measure(entity) - least));
  }

  void add(Entity& entity, const Job&) override { ready_.add(entity, waiting_.key(entity)); }
  void remove(Entity& entity) override { ready_.remove(entity); }
  Entity* pick() override { return ready_.best(); }
  size_t ready() const override { return ready_.size(); }

  void started(Entity& entity, Job&) override {
    if (entity.idle()) return;
    PolicySlot& slot = entity.policy_slot();
    const base::Nanos owed = entity.usage().gpu_time - slot.charged;
    slot.charged = entity.usage().gpu_time;
    set_measure(entity, measure(entity) + (owed << shift(entity)));
    waiting_.change(entity, {measure(entity), next_arrival_++});
  }
  void finished(Job& job) override {
    const base::Nanos length = job.finished_at() - job.started_at();
    average_ += average_ == 0 ? length : (length - average_) / 4;
  }

  void save(std::span<Entity* const> entities, std::vector<PolicyMemory>& to) const override {
    to.push_back({nullptr, "fair", 0, {static_cast<int64_t>(next_arrival_), average_}});
    for (Entity* entity : entities) {
      const bool waits = Waiting::contains(*entity);
      to.push_back({entity,
                    "runtime",
                    0,
                    {measure(*entity), entity->usage().gpu_time - entity->policy_slot().charged,
                     waits ? static_cast<int64_t>(waiting_.key(*entity).arrival) : 0}});
      if (Ready::contains(*entity)) to.push_back({entity, "ready", 0, {}});
    }
  }
  bool restore(std::span<Entity* const>, std::span<const PolicyMemory> from) override {
    const auto restore_one = [this](const PolicyMemory& memory) {
      const auto& numbers = memory.numbers;
      if (memory.is(true, "ready")) return true;
      if (memory.is(false, "fair")) {
        next_arrival_ = static_cast<uint64_t>(numbers[0]);
        average_ = numbers[1];
        return numbers[0] >= 0 && average_ >= 0 && average_ <= SchedulerMemory::kLongest;
      }
      const base::Nanos owed = numbers[1];
      if (!memory.is(true, "runtime") || !memory.in_range() || owed < 0 ||
          owed > SchedulerMemory::kMostGpuTime || numbers[2] < 0)
        return false;
      set_measure(*memory.entity, numbers[0]);
      memory.entity->policy_slot().charged = memory.entity->usage().gpu_time - owed;
      if (Waiting::contains(*memory.entity))
        waiting_.change(*memory.entity, {numbers[0], static_cast<uint64_t>(numbers[2])});
      return true;
    };
    if (!std::ranges::all_of(from, restore_one)) return false;
    // Where they stand is known now.
    for (const PolicyMemory& memory : from) {
      if (!memory.is(true, "ready")) continue;
      Entity& entity = *memory.entity;
      if (!Waiting::contains(entity) || Ready::contains(entity)) return false;
      ready_.add(entity, waiting_.key(entity));
    }
    return true;
  }

 private:
  using Waiting = IndexedHeap<Entity, RuntimeKey, waiting_place>;
  using Ready = IndexedHeap<Entity, RuntimeKey, ready_place>;

  static int shift(const Entity& entity) { return kShift[static_cast<size_t>(entity.priority())]; }
  static int64_t measure(Entity& entity) {
    return static_cast<int64_t>(entity.policy_slot().stamp);
  }
  static void set_measure(Entity& entity, int64_t vruntime) {
    entity.policy_slot().stamp = static_cast<uint64_t>(vruntime);
  }
  // Where one that owes nothing comes in, from the leftmost on: behind the middle of more important
  // ones, else next to it. The averages are in whole microseconds, as drm_sched keeps them.
  int64_t placement(const Entity& entity, const Entity& leftmost) const {
    const int64_t own_us = entity.account().average() / base::kNanosPerMicro;
    const int64_t average_us = average_ / base::kNanosPerMicro;
    if (entity.priority() > leftmost.priority())
      return ((1 + own_us + average_us) << shift(entity)) * base::kNanosPerMicro;
    if (entity.priority() < leftmost.priority())
      return static_cast<int>(entity.priority()) - static_cast<int>(leftmost.priority());
    return own_us <= average_us ? -1 : 1;
  }

  Waiting waiting_;
  // Those of them whose head may run. drm_sched walks its tree until it finds one.
  Ready ready_;
  uint64_t next_arrival_ = 0;
  base::Nanos average_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_fair() {
  return std::make_unique<Fair>();
}

}  // namespace fakegpu::sched
