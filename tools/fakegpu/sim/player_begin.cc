// SPDX-License-Identifier: MIT
// Where a player goes on: what was there, and what was remembered, when the recording began.
#include <utility>

#include "sim/player.h"

namespace fakegpu::sim {

base::Result<> Player::begin() {
  const Beginning& was = script_.beginning;
  std::vector<RingMemory> rings(rings_->size());
  for (uint32_t recorded = 0; recorded < was.rings.size(); ++recorded)
    for (const uint32_t ring : rings_->choices(recorded)) {
      rings[ring].memory.totals = was.rings[recorded].totals;
      rings[ring].memory.idle_since = was.rings[recorded].idle_since;
    }
  for (uint32_t i = 0; i < was.entities.size(); ++i) create_entity(i);
  std::vector<base::Ref<ReplayJob>> made(was.jobs.size());
  for (const uint32_t job : was.making) {
    EntityState& state = entities_[script_.jobs[job].entity];
    if (state.seqnos.empty()) state.last_seqno = script_.jobs[job].seqno - 1;
    made[job] = make_job(job);
  }
  for (uint32_t i = 0; i < was.jobs.size(); ++i) begin_job(i, *made[i], rings);
  for (uint32_t i = 0; i < was.entities.size(); ++i) begin_entity(i, rings);
  add_policies(rings);
  for (uint32_t i = 0; i < rings.size(); ++i)
    if (!(*rings_)[i].scheduler().restore(rings[i].memory, rings[i].parents))
      return base::fail(EINVAL, "ring {}: no policy \"{}\" can have remembered what it begins with",
                        i, (*rings_)[i].scheduler().policy().name());
  for (uint32_t i = 0; i < was.entities.size(); ++i)
    if (was.entities[i].gone) entities_[i].entity.reset();
  return {};
}

void Player::begin_job(uint32_t index, ReplayJob& job, std::vector<RingMemory>& rings) {
  const uint32_t on = rings_->index_of(job.entity()->scheduler());
  sched::JobMemory memory = script_.beginning.jobs[index];
  memory.job = &job;
  ReplayedJob& replayed = result_.jobs[index];
  replayed.queued = memory.pushed_at;
  replayed.ring = on;
  if (memory.started) replayed.started = memory.started_at;
  rings[on].parents.push_back(memory.place == sched::JobMemory::Place::kOnRing
                                  ? (*rings_)[on].begin(job)
                                  : fence::FenceRef());
  rings[on].memory.jobs.push_back(memory);
}

void Player::begin_entity(uint32_t index, std::vector<RingMemory>& rings) {
  const BeginningEntity& was = script_.beginning.entities[index];
  EntityState& state = entities_[index];
  if (state.seqnos.empty()) state.last_seqno = was.last_seqno;
  if (was.gone) {
    state.entity->kill(now());
    return;
  }
  sched::EntityMemory memory;
  memory.entity = state.entity.get();
  memory.account = was.account;
  memory.lift = was.lift;
  if (const auto until = seqno_of(state, was.lift.until); was.lift.lifted() && until) {
    memory.lift.until = *until;
  } else {
    memory.lift = {};
  }
  memory.woken = was.woken;
  if (was.blocked != kNone) memory.blocker = blocker_for(was.blocked);
  rings[rings_->index_of(state.entity->scheduler())].memory.entities.push_back(std::move(memory));
}

// Where another policy is to decide, or the rings are not those, nothing is remembered that only
// the recorded one can make use of.
void Player::add_policies(std::vector<RingMemory>& rings) {
  for (const BeginningMemory& kept : script_.beginning.memory) {
    if (!rings_->is_as_recorded(kept.ring)) continue;
    sched::PolicyMemory memory;
    if (kept.entity != kNone) memory.entity = entities_[kept.entity].entity.get();
    memory.name = kept.name;
    memory.index = kept.index;
    memory.numbers = kept.numbers;
    rings[rings_->choices(kept.ring).front()].memory.policy.push_back(memory);
  }
}

}  // namespace fakegpu::sim
