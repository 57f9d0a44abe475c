// SPDX-License-Identifier: MIT
// The rings of a replay, as recorded or as asked for, and which of them stands for which of the
// recording's.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/replay.h"
#include "sim/replay_ring.h"

namespace fakegpu::sim {

class ReplayRings {
 public:
  // Those of a type whose number is as recorded stay what they are, one by one; else there are as
  // many as asked for, with what the first of the type had, and an entity may use them all.
  // -EINVAL: no such policy, or a ring type that the recording needs has no ring.
  static base::Result<ReplayRings> create(const Script& script, const ReplaySettings& settings,
                                          ReplayStage& stage, fence::Contexts& contexts,
                                          base::Tracer& tracer);

  size_t size() const { return rings_.size(); }
  ReplayRing& operator[](size_t index) const { return *rings_[index]; }
  uint32_t type(size_t index) const { return types_[index]; }

  // Which do a recorded ring's work.
  const std::vector<uint32_t>& choices(uint32_t recorded) const { return choices_[recorded]; }
  std::vector<sched::Scheduler*> schedulers_for(uint32_t recorded) const;
  // Whether one ring does that of no other, by the same policy.
  bool is_as_recorded(uint32_t recorded) const { return as_recorded_[recorded]; }
  uint32_t index_of(const sched::Scheduler* scheduler) const;

  // Lets the schedulers do what there is to do, by number, as drv::Device does.
  void settle();
  // When the next job ends; and ends those that end now.
  std::optional<Nanos> next_end() const;
  void end_jobs(Nanos now);
  // The recording noticed the end of the job now. Here so if it is due.
  void done(uint32_t job, Nanos now);

 private:
  ReplayRings() = default;

  std::vector<std::unique_ptr<ReplayRing>> rings_;
  std::vector<uint32_t> types_;
  std::vector<std::vector<uint32_t>> choices_;  // by recorded ring
  std::vector<bool> as_recorded_;
};

}  // namespace fakegpu::sim
