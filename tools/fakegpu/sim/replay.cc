// SPDX-License-Identifier: MIT
#include "sim/replay.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include <fmt/format.h>

#include "sched/policy.h"
#include "sim/clients.h"
#include "sim/player.h"

namespace fakegpu::sim {

namespace {

constexpr Nanos kNever = INT64_MAX;

// Who says when what is done, one section of the schedulers after the other.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // When the next section is; kNever: there is none for now.
  virtual Nanos next() = 0;
  virtual void play(Player& player) = 0;
};

// As it was.
class AsRecorded final : public Schedule {
 public:
  explicit AsRecorded(const Script& script) : script_(script) {}

  Nanos next() override {
    return at_ == script_.sections.size() ? kNever : script_.sections[at_].time;
  }
  void play(Player& player) override {
    const ScriptSection& section = script_.sections[at_];
    player.enter_section(at_++);
    for (uint32_t i = section.first; i < section.first + section.count; ++i)
      player.apply(script_.events[i]);
  }

 private:
  const Script& script_;
  uint32_t at_ = 0;
};

// Each client in its own time; what is no client's as it was.
class ByClient final : public Schedule {
 public:
  ByClient(const Script& script, Player& player)
      : script_(script), player_(player), clients_(find_clients(script)) {
    clients_.clients.push_back({0, std::move(clients_.device)});
    states_.resize(clients_.clients.size());
    for (uint32_t i = 0; i < states_.size(); ++i) plan(i);
  }

  Nanos next() override {
    std::erase_if(waiting_, [this](uint32_t client) {
      if (!player_.finished(step(client).after)) return false;
      plan(client);
      return true;
    });
    return due_.empty() ? kNever : due_.top().first;
  }
  void play(Player& player) override {
    const auto [time, client] = due_.top();
    due_.pop();
    player.apply(script_.events[step(client).event]);
    State& state = states_[client];
    state.recorded = step(client).time;
    state.time = time;
    ++state.at;
    plan(client);
  }
  // Nothing is left that could end what somebody waits for.
  bool give_up() {
    if (waiting_.empty()) return false;
    for (const uint32_t client : waiting_) due_.emplace(player_.now(), client);
    waiting_.clear();
    return true;
  }

 private:
  struct State {
    uint32_t at = 0;  // its next step
    Nanos recorded = 0;
    Nanos time = 0;  // here, of the last
  };

  const ClientStep& step(uint32_t client) const {
    return clients_.clients[client].steps[states_[client].at];
  }
  void plan(uint32_t client) {
    const State& state = states_[client];
    if (state.at == clients_.clients[client].steps.size()) return;
    const ClientStep& next = step(client);
    if (next.after == kNone) {
      due_.emplace(state.time + (next.time - state.recorded), client);
    } else if (player_.finished(next.after)) {
      const Nanos distance = next.time - script_.jobs[next.after].noticed;
      due_.emplace(std::max(state.time, player_.finished_at(next.after) + distance), client);
    } else {
      waiting_.push_back(client);
    }
  }

  using Due = std::pair<Nanos, uint32_t>;

  const Script& script_;
  Player& player_;
  Clients clients_;
  std::vector<State> states_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<uint32_t> waiting_;
};

void play(const Script& script, Player& player, Schedule& schedule, bool stop_at_end) {
  size_t early = 0;
  for (;;) {
    const Nanos section = schedule.next();
    if (stop_at_end && section == kNever) return;
    const Nanos signal = early < script.early.size() ? script.early[early].first : kNever;
    const Nanos end = player.next_end().value_or(kNever);
    const Nanos next = std::min({section, signal, end});
    if (next == kNever) return;
    player.set_now(std::max(next, player.now()));
    // What ends at the time of a section comes after it, unless it ended in it.
    if (section <= next) {
      schedule.play(player);
    } else if (signal <= next) {
      player.signal(script.early[early++].second);
    } else {
      player.end_jobs();
    }
    player.settle();
  }
}

}  // namespace

std::span<const std::string_view> policies() {
  return sched::policy_names();
}

base::Result<ReplayResult> replay(const Script& script, const ReplaySettings& settings) {
  auto player = Player::create(script, settings);
  if (!player) return tl::unexpected(std::move(player).error());
  if (settings.closed_loop) {
    ByClient schedule(script, **player);
    do {
      play(script, **player, schedule, settings.stop_at_end);
    } while (schedule.give_up());
  } else {
    AsRecorded schedule(script);
    play(script, **player, schedule, settings.stop_at_end);
  }
  if (!settings.stop_at_end) {
    (*player)->signal_all();
    (*player)->settle();
    const Script none;
    AsRecorded nothing_more(none);
    play(script, **player, nothing_more, false);
  }
  return (*player)->take_result();
}

std::string first_difference(const Script& script, const ReplayResult& result) {
  std::string difference;
  Nanos earliest = kNever;
  const auto note = [&](Nanos time, std::string text) {
    if (time >= earliest) return;
    earliest = time;
    difference = std::move(text);
  };
  const auto describe = [&](const RecordedRun* run) {
    if (!run) return std::string("none");
    const ScriptJob& job = script.jobs[run->job];
    return fmt::format("job {} of entity {} at {} ns", job.seqno, job.entity, run->time);
  };
  for (size_t ring = 0; ring < script.runs.size(); ++ring) {
    const std::vector<RecordedRun>& replayed = result.rings[ring].runs;
    const std::vector<RecordedRun>& recorded = script.runs[ring];
    for (size_t i = 0; i < std::max(recorded.size(), replayed.size()); ++i) {
      const RecordedRun* was = i < recorded.size() ? &recorded[i] : nullptr;
      const RecordedRun* is = i < replayed.size() ? &replayed[i] : nullptr;
      if (was && is && was->job == is->job && was->time == is->time) continue;
      note(std::min(was ? was->time : kNever, is ? is->time : kNever),
           fmt::format("ring {}, start {}: recorded {}, replayed {}", ring, i, describe(was),
                       describe(is)));
      break;
    }
  }
  for (uint32_t i = 0; i < script.jobs.size(); ++i) {
    const ScriptJob& job = script.jobs[i];
    if (!job.measured || job.failed_restart != kNone) continue;
    if (result.jobs[i].ended == job.noticed) continue;
    note(job.noticed,
         fmt::format("job {} of entity {}: recorded to end at {} ns, replayed at {} ns", job.seqno,
                     job.entity, job.noticed, result.jobs[i].ended));
  }
  return difference;
}

}  // namespace fakegpu::sim
