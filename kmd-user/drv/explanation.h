// SPDX-License-Identifier: MIT
// Why something is not done: the chain from a fence through the jobs and fences that it waits for,
// down to the packet under the read pointer. Linux leaves this to be pieced together from
// sync_debugfs, amdgpu_fence_info and umr.
#pragma once

#include <string>

#include "device.h"
#include "fence/syncobj.h"
#include "file_impl.h"

namespace fakegpu::drv {

// Under the device lock. Says nothing of other clients' jobs but that they are there, unless `all`.
class Explanation {
 public:
  Explanation(Device& device, uint64_t viewer, bool all)
      : device_(device), viewer_(viewer), all_(all) {}

  void explain(fence::Fence& fence);
  // Every unfinished job of a client.
  void explain_client(FileImpl& file);
  void say(unsigned depth, std::string_view line);

  std::string take() { return std::move(text_); }

 private:
  // Jobs and fences that are looked at: what a client can chain is unbounded.
  static constexpr unsigned kMaxVisits = 64;

  void explain(fence::Fence& fence, unsigned depth);
  void explain(SubmitJob& job, unsigned depth);
  void explain_queued(SubmitJob& job, unsigned depth);
  void explain_running(SubmitJob& job, unsigned depth);
  void explain_packet(Ring& ring, const SubmitJob& executing, unsigned depth);
  bool may_see(const sched::Job& job) const { return all_ || job.account().client_id() == viewer_; }
  std::string name_of(const SubmitJob& job) const;
  Ring* ring_of(const sched::Scheduler& scheduler) const;

  Device& device_;
  uint64_t viewer_;
  bool all_;
  unsigned visits_ = 0;
  std::string text_;
};

}  // namespace fakegpu::drv
