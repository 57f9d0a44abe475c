// SPDX-License-Identifier: MIT
#include "sim/player.h"

#include <algorithm>
#include <utility>

#include "sched/policy.h"

namespace fakegpu::sim {

base::Result<std::unique_ptr<Player>> Player::create(const Script& script,
                                                     const ReplaySettings& settings) {
  std::unique_ptr<Player> player(new Player(script, settings));
  ReplayStage& stage = *player;
  auto rings = ReplayRings::create(script, settings, stage, player->contexts_, player->tracer_);
  if (!rings) return tl::unexpected(std::move(rings).error());
  player->rings_ = std::move(*rings);
  for (size_t i = 0; i < player->rings_->size(); ++i)
    player->result_.rings.push_back({player->rings_->type(i), {}, 0});
  FAKEGPU_TRY(player->begin());
  return player;
}

Player::Player(const Script& script, const ReplaySettings& settings)
    : script_(script),
      settings_(settings),
      entities_(script.entities.size()),
      fences_(script, contexts_),
      blockers_(script.jobs.size()) {
  clock_.at = script.sections.front().time;
  result_.begin = clock_.at;
  result_.jobs.resize(script.jobs.size());
}

Player::~Player() {
  over_ = true;
  if (!rings_) return;
  for (size_t i = 0; i < rings_->size(); ++i) (*rings_)[i].scheduler().fini(clock_.at, -ECANCELED);
  entities_.clear();
}

sched::AccountRef Player::account(uint64_t client, uint32_t recorded_ring) {
  sched::AccountRef& account = accounts_[{client, recorded_ring}];
  if (!account) account = base::make_ref<sched::Account>(client);
  return account;
}

void Player::apply(const ScriptEvent& event) {
  using Kind = ScriptEvent::Kind;
  switch (event.kind) {
    case Kind::kCreate:
      create_entity(event.index);
      break;
    case Kind::kDestroy:
      entities_[event.index].going = true;
      dying_.push_back(event.index);
      break;
    case Kind::kQueue:
      queue(event.index);
      break;
    case Kind::kUrge:
      urge(script_.urges[event.index]);
      break;
    case Kind::kPriority:
      if (sched::Entity* entity = entities_[event.index].entity.get())
        entity->set_priority(static_cast<sched::Priority>(event.detail));
      break;
    case Kind::kKill:
      kill(entities_[event.index], event.detail);
      break;
    case Kind::kPolicy: {
      const auto& [ring, name] = script_.policies[event.index];
      if (!settings_.policy.empty()) break;
      for (const uint32_t one : rings_->choices(ring))
        (*rings_)[one].scheduler().set_policy(std::move(*sched::make_policy(name)));
      break;
    }
    case Kind::kDone:
      rings_->done(event.index, now());
      break;
    case Kind::kSignal:
      signal(event.index);
      break;
    case Kind::kUnblock:
      if (const fence::FenceRef blocker = std::exchange(blockers_[event.index], nullptr))
        blocker->signal(now());
      break;
    case Kind::kStop:
      for (const uint32_t ring : rings_->choices(event.index)) (*rings_)[ring].stop();
      break;
    case Kind::kRestart:
      for (const uint32_t ring : rings_->choices(event.index))
        (*rings_)[ring].restart(event.detail);
      break;
  }
}

void Player::create_entity(uint32_t index) {
  const ScriptEntity& made = script_.entities[index];
  entities_[index].entity = std::move(*sched::Entity::create(
      made.priority, rings_->schedulers_for(made.ring), account(made.client, made.ring)));
}

base::Ref<ReplayJob> Player::make_job(uint32_t index) {
  const ScriptJob& script = script_.jobs[index];
  EntityState& state = entities_[script.entity];
  auto job = base::make_ref<ReplayJob>(*state.entity, script, index);
  for (uint32_t i = 0, at = script.first_wait; i < script.waits; ++i) {
    const Wait& wait = script_.waits[at];
    at += 1 + wait.leaves;
    job->add_dependency(fences_.wait_for(wait));
  }
  job->arm();
  fences_.job_made(index, job->scheduled(), job->finished());
  state.seqnos.push_back(script.seqno);
  return job;
}

void Player::queue(uint32_t index) {
  if (!entities_[script_.jobs[index].entity].entity) return;
  const base::Ref<ReplayJob> job = make_job(index);
  result_.jobs[index].queued = now();
  job->push(now());
}

std::optional<uint64_t> Player::seqno_of(const EntityState& state, uint64_t recorded) {
  const auto& seqnos = state.seqnos;
  const uint64_t last = seqnos.empty() ? state.last_seqno : seqnos.back();
  if (recorded > last) return seqnos.size() + (recorded - last);
  const auto at = std::ranges::lower_bound(seqnos, recorded);
  if (at == seqnos.end() || *at != recorded) return std::nullopt;
  return static_cast<uint64_t>(at - seqnos.begin()) + 1;
}

void Player::urge(const ScriptUrge& urge) {
  EntityState& state = entities_[urge.entity];
  const auto seqno = seqno_of(state, urge.seqno);
  if (!state.entity || !seqno) return;
  fence::Urgency urgency = urge.urgency;
  state.entity->urge(*seqno, urgency);
}

// Who closed when all he had was done would here do so later.
void Player::kill(EntityState& state, uint32_t refused) {
  if (!state.entity) return;
  if (refused == 0 && !state.entity->idle()) {
    state.dying = true;
    dying_.push_back(static_cast<uint32_t>(&state - entities_.data()));
  } else {
    state.entity->kill(now());
  }
}

void Player::bury() {
  std::erase_if(dying_, [this](uint32_t index) {
    EntityState& state = entities_[index];
    if (state.entity && state.dying) {
      if (!state.entity->idle()) return false;
      state.entity->kill(now());
      state.dying = false;
    }
    if (state.going) state.entity.reset();
    return true;
  });
}

void Player::settle() {
  rings_->settle();
  if (!dying_.empty()) bury();
}

void Player::signal_all() {
  fences_.signal_all(now());
  for (fence::FenceRef& at : blockers_)
    if (const fence::FenceRef blocker = std::exchange(at, nullptr)) blocker->signal(now());
  section_ = kNone;
}

Nanos Player::occupancy_of(const ReplayJob& job) const {
  // What was not seen to end did not end before the recording did.
  if (settings_.stop_at_end && !job.script().measured) return kFar;
  return job.script().occupancy;
}

fence::FenceRef Player::blocker_for(uint32_t job) {
  const auto& unblocks = script_.jobs[job].unblocks;
  if (unblocks.empty() || section_ >= unblocks.back()) return nullptr;
  if (!blockers_[job]) blockers_[job] = make_fence();
  return blockers_[job];
}

void Player::job_started(ReplayRing& ring, const ReplayJob& job) {
  ReplayedJob& replayed = result_.jobs[job.index()];
  replayed.started = now();
  replayed.ring = ring.index();
  result_.rings[ring.index()].runs.push_back({job.index(), now()});
}

void Player::job_ended(uint32_t job) {
  result_.jobs[job].ended = now();
}

void Player::job_freed(const ReplayJob& job) {
  if (over_) return fences_.forget_job(job.index());
  fences_.job_freed(job.index(), now());
  ReplayedJob& replayed = result_.jobs[job.index()];
  replayed.finished = now();
  replayed.refused = replayed.started < 0;
}

ReplayResult Player::take_result() {
  for (size_t i = 0; i < rings_->size(); ++i) result_.rings[i].busy = (*rings_)[i].busy();
  for (const ReplayedJob& job : result_.jobs)
    result_.end = std::max({result_.end, job.started, job.ended, job.finished});
  return std::move(result_);
}

}  // namespace fakegpu::sim
