// SPDX-License-Identifier: MIT
// The fences of a replay: those of its jobs, the foreign ones that a recording names, and what they
// are made into.
#pragma once

#include <vector>

#include "fence/fence.h"
#include "sim/script.h"

namespace fakegpu::sim {

class ReplayFences {
 public:
  ReplayFences(const Script& script, fence::Contexts& contexts);

  fence::FenceRef make();
  // What a job is to wait for; null: it is met.
  fence::FenceRef wait_for(const Wait& wait);

  // The job is armed / has finished or was refused, and who waited for it before it came goes on.
  void job_made(uint32_t job, fence::FenceRef scheduled, fence::FenceRef finished);
  void job_freed(uint32_t job, Nanos now);
  // It stays so, but nobody is told any more.
  void forget_job(uint32_t job);
  bool freed(uint32_t job) const { return jobs_[job].freed; }

  // A foreign fence, or those that a container is made of.
  void signal(uint32_t fence, Nanos now);
  void signal_all(Nanos now);

 private:
  struct JobState {
    fence::FenceRef scheduled;
    fence::FenceRef finished;
    fence::FenceRef proxy;  // for who waits for a job that has not come yet
    bool freed = false;
  };
  struct FenceState {
    fence::FenceRef fence;  // made when somebody waits for it
    bool signaled = false;
  };

  fence::FenceRef job_fence(uint32_t job, bool finished);
  fence::FenceRef foreign_fence(uint32_t index);
  fence::FenceRef container(const Wait& wait);

  const Script& script_;
  fence::Contexts& contexts_;
  std::vector<JobState> jobs_;
  std::vector<FenceState> fences_;
};

}  // namespace fakegpu::sim
