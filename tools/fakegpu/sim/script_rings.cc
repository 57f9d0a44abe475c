// SPDX-License-Identifier: MIT
#include "sim/script_rings.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "sched/observer.h"
#include "sched/policy.h"

namespace fakegpu::sim {

namespace {

constexpr size_t kMaxRings = 64;

bool is_error(int64_t error) {
  return error < 0 && error >= -4095;
}

}  // namespace

bool ScriptRings::add(const Record& record) {
  Script& script = draft_.script();
  if (draft_.section() != 0 || record.ring != script.rings.size() || record.ring >= kMaxRings)
    return draft_.refuse("a ring out of order");
  if (record.value[0] < 1 || record.value[0] > UINT32_MAX || record.value[2] > 2 ||
      record.value[1] > static_cast<uint64_t>(INT64_MAX) / 4)
    return draft_.refuse("a ring that cannot be");
  ScriptRing& made = script.rings.emplace_back();
  made.credits = static_cast<uint32_t>(record.value[0]);
  made.depth = static_cast<Nanos>(record.value[1]);
  made.type = static_cast<uint32_t>(record.value[2]);
  script.fresh = script.fresh && record.value[3] != 0;
  beginning_.ring();
  script.runs.emplace_back();
  states_.emplace_back();
  return true;
}

bool ScriptRings::set_policy(const Record& record) {
  const char* const text = reinterpret_cast<const char*>(record.value);
  std::string name(text, ::strnlen(text, sizeof(record.value)));
  if (!sched::make_policy(name)) return draft_.refuse(fmt::format("no policy \"{}\"", name));
  ScriptRing& of = draft_.script().rings[record.ring];
  if (of.policy.empty()) {
    of.policy = std::move(name);
    return true;
  }
  auto& policies = draft_.script().policies;
  policies.emplace_back(record.ring, std::move(name));
  draft_.add_event(ScriptEvent::Kind::kPolicy, static_cast<uint32_t>(policies.size() - 1));
  return true;
}

bool ScriptRings::run(const Record& record, uint32_t index) {
  ScriptJob& job = draft_.script().jobs[index];
  const auto outcome = static_cast<int64_t>(record.value[0]);
  if (job.ran) return draft_.refuse("a job that runs twice");
  if (outcome > sched::Observer::kNothing || outcome < -4095)
    return draft_.refuse("an unknown outcome");
  const bool before = record.value[1] != 0;
  if (before != draft_.is_beginning()) return draft_.refuse("a start of the beginning, or not");
  if (before && !draft_.accept(beginning_.started(record, index))) return false;
  job.ran = true;
  job.outcome = static_cast<int>(outcome);
  job.started = draft_.now();
  if (job.outcome == sched::Observer::kExecutes) states_[record.ring].flight.push_back(index);
  if (!before) draft_.script().runs[record.ring].push_back({index, draft_.now()});
  return true;
}

bool ScriptRings::in_flight(uint32_t ring, uint32_t job) const {
  return std::ranges::find(states_[ring].flight, job) != states_[ring].flight.end();
}

void ScriptRings::end(uint32_t ring, uint32_t index) {
  State& state = states_[ring];
  ScriptJob& job = draft_.script().jobs[index];
  const Nanos now = draft_.now();
  std::erase(state.flight, index);
  const bool kept = state.restarted_in == draft_.section() && earlier_.contains(index);
  const Nanos started = kept ? earlier_[index] : job.started;
  job.noticed = now;
  job.occupancy = std::max<Nanos>(now - std::max(started, state.noticed), 0);
  job.measured = true;
  state.noticed = now;
}

bool ScriptRings::done(const Record& record, uint32_t index) {
  ScriptJob& job = draft_.script().jobs[index];
  const auto error = static_cast<int64_t>(record.value[1]);
  if (!in_flight(record.ring, index)) return draft_.unknown("a job ends that does not run");
  if (error != 0 && !is_error(error)) return draft_.refuse("an unknown error");
  end(record.ring, index);
  const Nanos now = draft_.now();
  job.lag = now - std::clamp<Nanos>(static_cast<Nanos>(record.value[0]), 0, now);
  job.error = static_cast<int>(error);
  draft_.add_event(ScriptEvent::Kind::kDone, index);
  return true;
}

bool ScriptRings::fail(const Record& record, uint32_t index) {
  ScriptJob& job = draft_.script().jobs[index];
  const auto error = static_cast<int64_t>(record.value[0]);
  const State& state = states_[record.ring];
  if (!in_flight(record.ring, index)) return draft_.unknown("a job fails that does not run");
  if (!is_error(error)) return draft_.refuse("an unknown error");
  job.error = static_cast<int>(error);
  if (state.stopped) {
    job.failed_restart = state.restarts;
    return true;
  }
  if (state.restarts > 0) job.failed_restart = state.restarts - 1;
  end(record.ring, index);
  return true;
}

bool ScriptRings::stop(uint32_t ring) {
  states_[ring].stopped = true;
  draft_.add_event(ScriptEvent::Kind::kStop, ring);
  return true;
}

bool ScriptRings::restart(uint32_t ring) {
  State& state = states_[ring];
  if (!state.stopped) return draft_.unknown("it was not stopped");
  state.stopped = false;
  state.restarted_in = draft_.section();
  draft_.add_event(ScriptEvent::Kind::kRestart, ring, state.restarts);
  const std::deque<uint32_t> flight = state.flight;
  for (const uint32_t index : flight) {
    ScriptJob& job = draft_.script().jobs[index];
    earlier_[index] = job.started;
    job.started = draft_.now();
    if (job.failed_restart == state.restarts) end(ring, index);
  }
  ++state.restarts;
  return true;
}

// They are taken to be as long as those of their entity, or of their ring.
void ScriptRings::finish() {
  struct Sum {
    double time = 0;  // many of a hostile file's would not fit an integer
    int64_t jobs = 0;
    void add(Nanos span) { time += static_cast<double>(span), ++jobs; }
    Nanos average() const {
      return jobs ? static_cast<Nanos>(time / static_cast<double>(jobs)) : 0;
    }
  };
  Script& script = draft_.script();
  std::vector<Sum> by_entity(script.entities.size());
  std::vector<Sum> by_ring(script.rings.size());
  for (const ScriptJob& job : script.jobs) {
    if (!job.measured || job.error != 0) continue;
    by_entity[job.entity].add(job.occupancy);
    by_ring[script.entities[job.entity].ring].add(job.occupancy);
  }
  for (ScriptJob& job : script.jobs) {
    if (job.measured) continue;
    const Sum& own = by_entity[job.entity];
    job.occupancy = own.jobs ? own.average() : by_ring[script.entities[job.entity].ring].average();
  }
}

}  // namespace fakegpu::sim
