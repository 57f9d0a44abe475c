// SPDX-License-Identifier: MIT
#include "sim/script_entities.h"

#include <algorithm>

#include <fmt/format.h>

namespace fakegpu::sim {

bool ScriptEntities::create(const Record& record) {
  if (record.value[0] >= sched::kPriorities) return draft_.refuse("an unknown priority");
  if (record.context == 0 || record.context == UINT64_MAX || by_context_.contains(record.context))
    return draft_.refuse(fmt::format("context {} again", record.context));
  const bool gone = record.value[2] != 0;
  if (gone && !draft_.is_beginning()) return draft_.refuse("gone before it came");
  auto& entities = draft_.script().entities;
  const auto index = static_cast<uint32_t>(entities.size());
  entities.push_back({record.ring, static_cast<sched::Priority>(record.value[0]), record.value[1]});
  by_context_.emplace(record.context, index);
  states_.emplace_back().killed = gone;
  if (draft_.is_beginning()) {
    beginning_.entity(gone);
  } else {
    draft_.add_event(ScriptEvent::Kind::kCreate, index);
  }
  return true;
}

// One of another ring is as good as none.
uint32_t ScriptEntities::find(const Record& record) const {
  const auto found = by_context_.find(record.context);
  if (found == by_context_.end() || draft_.script().entities[found->second].ring != record.ring)
    return kNone;
  return found->second;
}

bool ScriptEntities::change(const Record& record) {
  const uint32_t index = find(record);
  // A job may be wanted when its entity is gone.
  if (index == kNone && record.kind == DRM_FAKEGPU_RECORD_URGED) return true;
  // One that was killed before the recording and had no job left is not told of at its start.
  if (index == kNone && record.kind == DRM_FAKEGPU_RECORD_GONE && !draft_.script().fresh)
    return true;
  if (index == kNone) return draft_.unknown(fmt::format("no context {}", record.context));
  switch (record.kind) {
    case DRM_FAKEGPU_RECORD_GONE:
      if (!states_[index].killed) return draft_.unknown("it goes alive");
      draft_.add_event(ScriptEvent::Kind::kDestroy, index);
      by_context_.erase(record.context);
      return true;
    case DRM_FAKEGPU_RECORD_PRIORITY:
      if (record.value[0] >= sched::kPriorities) return draft_.refuse("an unknown priority");
      draft_.add_event(ScriptEvent::Kind::kPriority, index, static_cast<uint32_t>(record.value[0]));
      return true;
    case DRM_FAKEGPU_RECORD_KILLED:
      return kill(index);
    case DRM_FAKEGPU_RECORD_UNBLOCKED:
      return unblock(index);
    default:
      urge(record, index);
      return true;
  }
}

bool ScriptEntities::kill(uint32_t entity) {
  State& state = states_[entity];
  if (state.killed) return draft_.unknown("killed again");
  state.killed = true;
  stay_blocked(entity);
  draft_.add_event(ScriptEvent::Kind::kKill, entity, std::exchange(state.queued, 0));
  return true;
}

// What waits for its prepare_job() will do so for ever.
void ScriptEntities::stay_blocked(uint32_t entity) {
  const uint32_t job = std::exchange(states_[entity].blocked, kNone);
  if (job != kNone) draft_.script().jobs[job].unblocks.push_back(kNone);
}

bool ScriptEntities::unblock(uint32_t entity) {
  const uint32_t job = std::exchange(states_[entity].blocked, kNone);
  if (job == kNone) return draft_.unknown("it was not blocked");
  draft_.script().jobs[job].unblocks.push_back(draft_.section());
  draft_.add_event(ScriptEvent::Kind::kUnblock, job);
  return true;
}

void ScriptEntities::urge(const Record& record, uint32_t entity) {
  ScriptUrge urge;
  urge.entity = entity;
  urge.seqno = record.seqno;
  urge.urgency.waited = record.value[0] != 0;
  urge.urgency.deadline = static_cast<Nanos>(record.value[1]);
  urge.urgency.priority = static_cast<uint8_t>(record.value[2]);
  urge.urgency.client = record.value[3];
  urge.urgency.visits_left =
      static_cast<unsigned>(std::min<uint64_t>(record.value[2] >> 32, fence::Urgency::kMaxVisits));
  auto& urges = draft_.script().urges;
  urges.push_back(urge);
  draft_.add_event(ScriptEvent::Kind::kUrge, static_cast<uint32_t>(urges.size() - 1));
}

bool ScriptEntities::queue(uint32_t entity, uint64_t seqno) {
  uint64_t& last = states_[entity].last_seqno;
  if (!draft_.is_beginning() && seqno <= last)
    return draft_.refuse("a job out of its context's order");
  last = std::max(last, seqno);
  return true;
}

void ScriptEntities::count_queued(uint32_t entity) {
  if (!states_[entity].killed) ++states_[entity].queued;
}

void ScriptEntities::count_run(uint32_t entity) {
  if (states_[entity].queued > 0) --states_[entity].queued;
}

bool ScriptEntities::block(uint32_t entity, uint32_t job) {
  if (states_[entity].blocked != kNone) return draft_.unknown("blocked out of turn");
  states_[entity].blocked = job;
  return !draft_.is_beginning() || draft_.accept(beginning_.blocked(entity, job));
}

void ScriptEntities::finish() {
  for (uint32_t entity = 0; entity < states_.size(); ++entity) stay_blocked(entity);
}

}  // namespace fakegpu::sim
