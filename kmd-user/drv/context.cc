// SPDX-License-Identifier: MIT
#include "context.h"

namespace fakegpu::drv {

Context::Context(VmRef vm, sched::Priority priority, std::vector<sched::AccountRef> accounts,
                 RecoveryCounts counts, base::Ref<FencePage> page)
    : vm_(std::move(vm)),
      priority_(priority),
      accounts_(std::move(accounts)),
      counts_at_creation_(counts),
      ended_(accounts_.size()),
      entities_(accounts_.size()),
      fence_page_(std::move(page)),
      fence_slot_(fence_page_->take()),
      progress_(accounts_.size()),
      submit_queues_(accounts_.size()) {
  show_progress();
}

// Its jobs kept it until they had finished.
Context::~Context() {
  fence_page_->give_back(fence_slot_);
}

void Context::show_progress() {
  if (fence_slot_ == FencePage::kNoSlot) return;
  for (uint32_t ring = 0; ring < progress_.size(); ++ring)
    progress_[ring].show(*fence_page_, fence_slot_ + ring);
}

void Context::set_priority(sched::Priority priority) {
  priority_ = priority;
  for (const auto& entity : entities_)
    if (entity) entity->set_priority(priority);
}

base::Result<sched::Entity*> Context::entity(unsigned ring, sched::Scheduler& scheduler) {
  if (!entities_[ring]) {
    sched::Scheduler* const one[] = {&scheduler};
    auto entity = sched::Entity::create(priority_, one, accounts_[ring]);
    if (!entity) return tl::unexpected(std::move(entity).error());
    entities_[ring] = std::move(*entity);
  }
  return entities_[ring].get();
}

int Context::refusal(unsigned ring, const RecoveryCounts& now) const {
  if (guilty_ || now.vram_losses != counts_at_creation_.vram_losses) return -ECANCELED;
  return ended_[ring];
}

sched::Job* Context::find_job(unsigned ring, uint64_t seqno) const {
  const sched::Entity* entity = entities_[ring].get();
  return entity ? entity->find(seqno) : nullptr;
}

void Context::urge(unsigned ring, uint64_t seqno) {
  fence::Urgency urgency{.waited = true};
  if (entities_[ring]) entities_[ring]->urge(seqno, urgency);
}

void Context::kill(base::Nanos now) {
  for (const auto& entity : entities_)
    if (entity) entity->kill(now);
  vm_->stop_waiting();
}

sched::Usage Context::usage() const {
  sched::Usage sum;
  for (const auto& entity : entities_)
    if (entity) sum += entity->usage();
  return sum;
}

}  // namespace fakegpu::drv
