// SPDX-License-Identifier: MIT
#include "context.h"

namespace fakegpu::drv {

Context::~Context() = default;

void Context::set_priority(sched::Priority priority) {
  priority_ = priority;
  for (const auto& entity : entities_)
    if (entity) entity->set_priority(priority);
}

base::Result<sched::Entity*> Context::entity(unsigned ring, sched::Scheduler& scheduler) {
  if (!entities_[ring]) {
    sched::Scheduler* const one[] = {&scheduler};
    auto entity = sched::Entity::create(priority_, one, client_id_);
    if (!entity) return tl::unexpected(std::move(entity).error());
    entities_[ring] = std::move(*entity);
  }
  return entities_[ring].get();
}

void Context::kill(base::Nanos now) {
  for (const auto& entity : entities_)
    if (entity) entity->kill(now);
}

sched::EntityStats Context::stats() const {
  sched::EntityStats sum;
  for (const auto& entity : entities_) {
    if (!entity) continue;
    const sched::EntityStats& one = entity->stats();
    sum.pushed += one.pushed;
    sum.completed += one.completed;
    sum.gpu_time += one.gpu_time;
    sum.wait_time += one.wait_time;
  }
  return sum;
}

}  // namespace fakegpu::drv
