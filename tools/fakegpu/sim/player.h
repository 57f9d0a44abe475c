// SPDX-License-Identifier: MIT
// The stage of a replay: the rings with their schedulers, the entities, jobs and fences of a
// script, and one step after the other of what is done to them. When is somebody else's to say.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/trace.h"
#include "sim/replay.h"
#include "sim/replay_ring.h"

namespace fakegpu::sim {

class Player final : private ReplayStage {
 public:
  static base::Result<std::unique_ptr<Player>> create(const Script& script,
                                                      const ReplaySettings& settings);
  ~Player();

  Nanos now() const override { return clock_.at; }
  void set_now(Nanos now) { clock_.at = now; }
  // What is done is done in this section of the script.
  void enter_section(uint32_t section) { section_ = section; }

  void apply(const ScriptEvent& event);
  // A foreign fence, or those that a container is made of.
  void signal(uint32_t fence);
  // Lets the schedulers do what there is to do, by number, as drv::Device does; after that, goes
  // what is to go.
  void settle();

  // When the next job ends, of all rings; and ends those that end now.
  std::optional<Nanos> next_end() const;
  void end_jobs();

  bool finished(uint32_t job) const { return states_[job].freed; }
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
  struct JobState {
    fence::FenceRef scheduled;
    fence::FenceRef finished;
    fence::FenceRef proxy;  // for who waits for a job that has not come yet
    fence::FenceRef blocker;
    bool freed = false;
  };
  struct FenceState {
    fence::FenceRef fence;  // made when somebody waits for it
    bool signaled = false;
  };
  struct EntityState {
    std::unique_ptr<sched::Entity> entity;
    std::vector<uint64_t> seqnos;  // recorded, of the jobs pushed; the n-th has n + 1 here
    bool dying = false;            // to be killed when it has nothing left
    bool going = false;            // and then to be destroyed
  };

  Player(const Script& script, const ReplaySettings& settings);
  base::Result<> make_rings();
  base::Result<> check_rings() const;

  void create_entity(uint32_t index);
  void queue(uint32_t index);
  void urge(const ScriptUrge& urge);
  void kill(EntityState& state, uint32_t refused);
  void done(uint32_t job);
  void bury();
  // Null: it is met.
  fence::FenceRef wait_for(const Wait& wait);
  fence::FenceRef job_fence(uint32_t job, bool finished);
  fence::FenceRef foreign_fence(uint32_t index);
  fence::FenceRef container(const Wait& wait);
  std::vector<sched::Scheduler*> schedulers_for(uint32_t recorded_ring);
  sched::AccountRef account(uint64_t client, uint32_t recorded_ring);

  // ReplayStage.
  fence::FenceRef make_fence() override;
  Nanos occupancy_of(const ReplayJob& job) const override;
  fence::FenceRef blocker_of(const ReplayJob& job) override;
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
  std::vector<std::unique_ptr<ReplayRing>> rings_;
  std::vector<std::vector<uint32_t>> ring_choices_;  // by recorded ring
  std::map<std::pair<uint64_t, uint32_t>, sched::AccountRef> accounts_;
  std::vector<EntityState> entities_;
  std::vector<JobState> states_;
  std::vector<FenceState> fences_;
  std::vector<uint32_t> dying_;  // entities
  ReplayResult result_;
};

}  // namespace fakegpu::sim
