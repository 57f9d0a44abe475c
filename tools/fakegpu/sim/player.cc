// SPDX-License-Identifier: MIT
#include "sim/player.h"

#include <algorithm>
#include <utility>

#include "fence/array.h"
#include "fence/chain.h"
#include "sched/policy.h"

namespace fakegpu::sim {

namespace {

constexpr uint32_t kRingTypes = 3;

}  // namespace

base::Result<std::unique_ptr<Player>> Player::create(const Script& script,
                                                     const ReplaySettings& settings) {
  std::unique_ptr<Player> player(new Player(script, settings));
  FAKEGPU_TRY(player->make_rings());
  FAKEGPU_TRY(player->check_rings());
  return player;
}

Player::Player(const Script& script, const ReplaySettings& settings)
    : script_(script),
      settings_(settings),
      entities_(script.entities.size()),
      states_(script.jobs.size()),
      fences_(script.fences.size()) {
  result_.jobs.resize(script.jobs.size());
}

Player::~Player() {
  over_ = true;
  for (const auto& ring : rings_) ring->scheduler().fini(clock_.at, -ECANCELED);
  entities_.clear();
}

// Those of a type whose number is as recorded stay what they are, one by one; else there are as
// many as asked for, with what the first of the type had, and an entity may use them all.
base::Result<> Player::make_rings() {
  std::vector<uint32_t> first(kRingTypes, kNone);
  const auto add = [this](uint32_t recorded) -> base::Result<> {
    const ScriptRing& ring = script_.rings[recorded];
    auto policy = sched::make_policy(settings_.policy.empty() ? ring.policy : settings_.policy);
    if (!policy) return tl::unexpected(std::move(policy).error());
    sched::SchedulerOptions options;
    options.name = fmt::format("ring{}", rings_.size());
    options.credit_limit = settings_.credits.value_or(ring.credits);
    options.depth = settings_.depth.value_or(ring.depth);
    const auto index = static_cast<uint32_t>(rings_.size());
    ReplayStage& stage = *this;
    rings_.push_back(std::make_unique<ReplayRing>(stage, index, std::move(options),
                                                  std::move(*policy), contexts_, tracer_));
    result_.rings.push_back({ring.type, {}, 0});
    return {};
  };
  ring_choices_.resize(script_.rings.size());
  for (uint32_t recorded = 0; recorded < script_.rings.size(); ++recorded) {
    const uint32_t type = script_.rings[recorded].type;
    if (!settings_.rings[type]) {
      ring_choices_[recorded] = {static_cast<uint32_t>(rings_.size())};
      FAKEGPU_TRY(add(recorded));
      continue;
    }
    if (first[type] == kNone) {
      first[type] = recorded;
      for (uint32_t i = 0; i < *settings_.rings[type]; ++i) {
        ring_choices_[recorded].push_back(static_cast<uint32_t>(rings_.size()));
        FAKEGPU_TRY(add(recorded));
      }
    }
    ring_choices_[recorded] = ring_choices_[first[type]];
  }
  return {};
}

base::Result<> Player::check_rings() const {
  for (const ScriptEntity& entity : script_.entities)
    if (ring_choices_[entity.ring].empty())
      return base::fail(EINVAL, "the recording needs a ring of type {}",
                        script_.rings[entity.ring].type);
  return {};
}

std::vector<sched::Scheduler*> Player::schedulers_for(uint32_t recorded_ring) {
  std::vector<sched::Scheduler*> schedulers;
  for (const uint32_t ring : ring_choices_[recorded_ring])
    schedulers.push_back(&rings_[ring]->scheduler());
  return schedulers;
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
      for (const uint32_t one : ring_choices_[ring])
        rings_[one]->scheduler().set_policy(std::move(*sched::make_policy(name)));
      break;
    }
    case Kind::kDone:
      done(event.index);
      break;
    case Kind::kSignal:
      signal(event.index);
      break;
    case Kind::kUnblock:
      if (const fence::FenceRef blocker = std::exchange(states_[event.index].blocker, nullptr))
        blocker->signal(now());
      break;
    case Kind::kStop:
      for (const uint32_t ring : ring_choices_[event.index]) rings_[ring]->stop();
      break;
    case Kind::kRestart:
      for (const uint32_t ring : ring_choices_[event.index]) rings_[ring]->restart(event.detail);
      break;
  }
}

void Player::create_entity(uint32_t index) {
  const ScriptEntity& made = script_.entities[index];
  entities_[index].entity = std::move(*sched::Entity::create(
      made.priority, schedulers_for(made.ring), account(made.client, made.ring)));
}

void Player::queue(uint32_t index) {
  const ScriptJob& script = script_.jobs[index];
  EntityState& state = entities_[script.entity];
  if (!state.entity) return;
  auto job = base::make_ref<ReplayJob>(*state.entity, script, index);
  for (uint32_t i = 0, at = script.first_wait; i < script.waits; ++i) {
    const Wait& wait = script_.waits[at];
    at += 1 + wait.leaves;
    job->add_dependency(wait_for(wait));
  }
  job->arm();
  states_[index].scheduled = job->scheduled();
  states_[index].finished = job->finished();
  state.seqnos.push_back(script.seqno);
  result_.jobs[index].queued = now();
  job->push(now());
}

void Player::urge(const ScriptUrge& urge) {
  EntityState& state = entities_[urge.entity];
  if (!state.entity) return;
  const auto& seqnos = state.seqnos;
  const uint64_t last = seqnos.empty() ? 0 : seqnos.back();
  uint64_t seqno = 0;
  if (urge.seqno > last) {
    seqno = seqnos.size() + (urge.seqno - last);
  } else {
    const auto at = std::ranges::lower_bound(seqnos, urge.seqno);
    if (*at != urge.seqno) return;
    seqno = static_cast<uint64_t>(at - seqnos.begin()) + 1;
  }
  fence::Urgency urgency = urge.urgency;
  state.entity->urge(seqno, urgency);
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
  for (size_t i = 0; i < rings_.size();) {
    if (!rings_[i]->kicked()) {
      ++i;
      continue;
    }
    rings_[i]->pump();
    i = 0;
  }
  if (!dying_.empty()) bury();
}

// The recording noticed it in this section. Here so if it is due now.
void Player::done(uint32_t job) {
  for (const auto& ring : rings_) {
    if (!ring->executes(job)) continue;
    if (ring->due() == now()) ring->complete();
    return;
  }
}

std::optional<Nanos> Player::next_end() const {
  std::optional<Nanos> next;
  for (const auto& ring : rings_)
    if (const auto due = ring->due(); due && (!next || *due < *next)) next = due;
  return next;
}

void Player::end_jobs() {
  for (const auto& ring : rings_)
    while (ring->due() && *ring->due() <= now()) ring->complete();
}

fence::FenceRef Player::wait_for(const Wait& wait) {
  switch (wait.kind) {
    case Wait::Kind::kFinished:
    case Wait::Kind::kScheduled:
      return job_fence(wait.job, wait.kind == Wait::Kind::kFinished);
    case Wait::Kind::kForeign:
      return foreign_fence(wait.fence);
    default:
      return container(wait);
  }
}

fence::FenceRef Player::job_fence(uint32_t job, bool finished) {
  if (job == kNone || states_[job].freed) return nullptr;
  JobState& state = states_[job];
  if (state.finished) return finished ? state.finished : state.scheduled;
  if (!state.proxy) state.proxy = make_fence();
  return state.proxy;
}

fence::FenceRef Player::foreign_fence(uint32_t index) {
  FenceState& state = fences_[index];
  if (state.signaled) return nullptr;
  if (!state.fence) state.fence = make_fence();
  return state.fence;
}

// Made of what it was made of when a job first waited for it.
fence::FenceRef Player::container(const Wait& wait) {
  FenceState& state = fences_[wait.fence];
  if (state.fence) return state.fence;
  // As they were told: from the newest node on.
  std::vector<std::vector<fence::FenceRef>> nodes;
  for (uint32_t i = 0; i < wait.leaves; ++i) {
    const Wait& leaf = script_.waits[wait.first_leaf + i];
    if (nodes.empty() || (leaf.node_start && wait.kind == Wait::Kind::kChain)) nodes.emplace_back();
    if (fence::FenceRef fence = wait_for(leaf)) nodes.back().push_back(std::move(fence));
  }
  fence::FenceRef whole;
  uint64_t seqno = 0;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (node->empty()) continue;
    fence::FenceRef content = node->size() == 1 && wait.kind == Wait::Kind::kChain
                                  ? node->front()
                                  : fence::FenceRef(fence::Array::create(contexts_, *node));
    whole = wait.kind == Wait::Kind::kChain
                ? fence::FenceRef(fence::Chain::create(contexts_, std::move(whole),
                                                       std::move(content), ++seqno))
                : std::move(content);
  }
  state.fence = whole;
  return whole;
}

void Player::signal(uint32_t index) {
  for (const uint32_t leaf : script_.fences[index].leaves) {
    FenceState& state = fences_[leaf];
    state.signaled = true;
    if (state.fence) state.fence->signal(now());
  }
  FenceState& state = fences_[index];
  if (state.fence && state.fence->is_container()) return;
  state.signaled = true;
  if (state.fence) state.fence->signal(now());
}

void Player::signal_all() {
  for (uint32_t i = 0; i < fences_.size(); ++i) signal(i);
  for (JobState& state : states_)
    if (const fence::FenceRef blocker = std::exchange(state.blocker, nullptr))
      blocker->signal(now());
  section_ = kNone;
}

fence::FenceRef Player::make_fence() {
  return base::make_ref<fence::ManualFence>(contexts_.allocate(), 1, "replay");
}

Nanos Player::occupancy_of(const ReplayJob& job) const {
  // What was not seen to end did not end before the recording did.
  if (settings_.stop_at_end && !job.script().measured) return kFar;
  return job.script().occupancy;
}

fence::FenceRef Player::blocker_of(const ReplayJob& job) {
  const auto& unblocks = job.script().unblocks;
  if (unblocks.empty() || section_ >= unblocks.back()) return nullptr;
  JobState& state = states_[job.index()];
  if (!state.blocker) state.blocker = make_fence();
  return state.blocker;
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
  JobState& state = states_[job.index()];
  state.freed = true;
  state.scheduled.reset();
  state.finished.reset();
  if (over_) return;
  if (const fence::FenceRef proxy = std::exchange(state.proxy, nullptr)) proxy->signal(now());
  ReplayedJob& replayed = result_.jobs[job.index()];
  replayed.finished = now();
  replayed.refused = replayed.started < 0;
}

ReplayResult Player::take_result() {
  for (size_t i = 0; i < rings_.size(); ++i) result_.rings[i].busy = rings_[i]->busy();
  for (const ReplayedJob& job : result_.jobs)
    result_.end = std::max({result_.end, job.started, job.ended, job.finished});
  return std::move(result_);
}

}  // namespace fakegpu::sim
