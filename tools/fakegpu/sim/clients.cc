// SPDX-License-Identifier: MIT
#include "sim/clients.h"

#include <map>

namespace fakegpu::sim {

namespace {

// Of one client, on the way through the recording.
struct Progress {
  uint32_t place = 0;  // in Clients::clients
  uint32_t under_way = 0;
  uint32_t last = kNone;  // the job that ended last
  Nanos last_end = 0;
};

class Finder {
 public:
  explicit Finder(const Script& script) : script_(script), waited_(script.jobs.size(), false) {
    for (uint32_t i = 0; i < script.jobs.size(); ++i)
      jobs_.emplace(std::pair{script.jobs[i].entity, script.jobs[i].seqno}, i);
  }

  Clients run() {
    for (uint32_t i = 0; i < script_.beginning.jobs.size(); ++i)
      if (is_seen_to_its_end(script_.jobs[i])) ++of(script_.jobs[i].entity).under_way;
    for (const ScriptSection& section : script_.sections)
      for (uint32_t i = section.first; i < section.first + section.count; ++i) add(i, section.time);
    return std::move(found_);
  }

 private:
  using Kind = ScriptEvent::Kind;

  void add(uint32_t index, Nanos time) {
    const ScriptEvent& event = script_.events[index];
    switch (event.kind) {
      case Kind::kCreate:
      case Kind::kDestroy:
      case Kind::kPriority:
      case Kind::kKill:
        step(of(event.index), {index, time});
        break;
      case Kind::kQueue:
        queue(index, time, event.index);
        break;
      case Kind::kUrge:
        urge(index, time, script_.urges[event.index]);
        break;
      case Kind::kDone:
        done(event.index, time);
        break;
      default:
        found_.device.push_back({index, time});
    }
  }

  Progress& of(uint32_t entity) {
    const uint64_t id = script_.entities[entity].client;
    const auto [at, is_new] = progress_.try_emplace(id);
    if (is_new) {
      at->second.place = static_cast<uint32_t>(found_.clients.size());
      found_.clients.push_back({id, {}});
    }
    return at->second;
  }
  void step(const Progress& client, ClientStep step) {
    found_.clients[client.place].steps.push_back(step);
  }

  bool is_seen_to_its_end(const ScriptJob& job) const {
    return job.measured && job.failed_restart == kNone;
  }

  void queue(uint32_t index, Nanos time, uint32_t job_index) {
    const ScriptJob& job = script_.jobs[job_index];
    Progress& client = of(job.entity);
    ClientStep next{index, time};
    if (client.last != kNone && time - client.last_end <= kAnswersWithin &&
        (waited_[client.last] || client.under_way == 0)) {
      next.after = client.last;
      client.last = kNone;  // what follows follows this
    }
    step(client, next);
    if (is_seen_to_its_end(job)) ++client.under_way;
  }
  void urge(uint32_t index, Nanos time, const ScriptUrge& urge) {
    step(of(urge.entity), {index, time});
    const auto job = jobs_.find({urge.entity, urge.seqno});
    if (urge.urgency.waited && job != jobs_.end()) waited_[job->second] = true;
  }
  void done(uint32_t job, Nanos time) {
    Progress& client = of(script_.jobs[job].entity);
    if (is_seen_to_its_end(script_.jobs[job])) --client.under_way;
    client.last = job;
    client.last_end = time;
  }

  const Script& script_;
  Clients found_;
  std::map<uint64_t, Progress> progress_;  // by client
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> jobs_;
  std::vector<bool> waited_;
};

}  // namespace

Clients find_clients(const Script& script) {
  return Finder(script).run();
}

}  // namespace fakegpu::sim
