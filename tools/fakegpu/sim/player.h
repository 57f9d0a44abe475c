// SPDX-License-Identifier: MIT
// The stage of a replay: the rings with their schedulers, the entities, jobs and fences of a
// script, and one step after the other of what is done to them. When is somebody else's to say.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/trace.h"
#include "sim/replay.h"
#include "sim/replay_fences.h"
#include "sim/replay_ring.h"
#include "sim/replay_rings.h"

namespace fakegpu::sim {

class Player final : private ReplayStage {
 public:
  // At the script's beginning, with all that was there then.
  static base::Result<std::unique_ptr<Player>> create(const Script& script,
                                                      const ReplaySettings& settings);
  ~Player();

  Nanos now() const override { return clock_.at; }
  void set_now(Nanos now) { clock_.at = now; }
  // What is done is done in this section of the script.
  void enter_section(uint32_t section) { section_ = section; }

  void apply(const ScriptEvent& event);
  // A foreign fence, or those that a container is made of.
  void signal(uint32_t fence) { fences_.signal(fence, now()); }
  // Lets the schedulers do what there is to do; after that, goes what is to go.
  void settle();

  // When the next job ends, of all rings; and ends those that end now.
  std::optional<Nanos> next_end() const { return rings_->next_end(); }
  void end_jobs() { rings_->end_jobs(now()); }

  bool finished(uint32_t job) const { return fences_.freed(job); }
  Nanos finished_at(uint32_t job) const { return result_.jobs[job].finished; }
  // All fences that still wait for somebody outside.
  void signal_all();

  // What has been until now.
  ReplayResult take_result();

 private:
  struct ClockAt final : base::Clock {
    Nanos now() const override { return at; }
    Nanos at = 0;
  };
  struct EntityState {
    std::unique_ptr<sched::Entity> entity;
    std::vector<uint64_t> seqnos;  // recorded, of the jobs made; the n-th has n + 1 here
    uint64_t last_seqno = 0;       // of the job before those
    bool dying = false;            // to be killed when it has nothing left
    bool going = false;            // and then to be destroyed
  };
  // What one ring goes on from.
  struct RingMemory {
    sched::SchedulerMemory memory;
    std::vector<fence::FenceRef> parents;
  };

  Player(const Script& script, const ReplaySettings& settings);

  base::Result<> begin();
  void begin_entity(uint32_t index, std::vector<RingMemory>& rings);
  void begin_job(uint32_t index, ReplayJob& job, std::vector<RingMemory>& rings);
  void add_policies(std::vector<RingMemory>& rings);

  void create_entity(uint32_t index);
  base::Ref<ReplayJob> make_job(uint32_t index);
  void queue(uint32_t index);
  // What a recorded job of the entity is called here; nothing: it was over before.
  static std::optional<uint64_t> seqno_of(const EntityState& state, uint64_t recorded);
  void urge(const ScriptUrge& urge);
  void kill(EntityState& state, uint32_t refused);
  void bury();
  fence::FenceRef blocker_for(uint32_t job);
  sched::AccountRef account(uint64_t client, uint32_t recorded_ring);

  // ReplayStage.
  fence::FenceRef make_fence() override { return fences_.make(); }
  Nanos occupancy_of(const ReplayJob& job) const override;
  fence::FenceRef blocker_of(const ReplayJob& job) override { return blocker_for(job.index()); }
  void job_started(ReplayRing& ring, const ReplayJob& job) override;
  void job_ended(uint32_t job) override;
  void job_freed(const ReplayJob& job) override;

  const Script& script_;
  const ReplaySettings& settings_;
  ClockAt clock_;
  base::Tracer tracer_{clock_};
  fence::Contexts contexts_;
  uint32_t section_ = 0;
  bool over_ = false;
  std::optional<ReplayRings> rings_;
  std::map<std::pair<uint64_t, uint32_t>, sched::AccountRef> accounts_;
  std::vector<EntityState> entities_;
  ReplayFences fences_;
  std::vector<fence::FenceRef> blockers_;  // by job
  std::vector<uint32_t> dying_;            // entities
  ReplayResult result_;
};

}  // namespace fakegpu::sim
