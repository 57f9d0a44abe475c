// SPDX-License-Identifier: MIT
// One demo client's job on its way: submission, first packet, woken waiter, as times of one clock
// (the GPU's timestamps and the library's deadlines both count CLOCK_MONOTONIC nanoseconds).
#pragma once

#include <fakegpu/fakegpu.hpp>

#include "clients.h"

namespace fakegpu::tools {

class JobClock {
 public:
  JobClock(const Device& device, const Context& context, uint32_t ring_type)
      : device_(device),
        start_(device, 4096, DRM_FAKEGPU_HEAP_SYSTEM),
        stamp_(context, ring_type),
        started_(start_.map<uint64_t>()) {
    fakegpu_cmd_release_mem(stamp_, FAKEGPU_RELEASE_TIMESTAMP, FAKEGPU_INTERRUPT_NONE, start_.va(),
                            0, 0);
  }

  // The command buffer to put first: it stores when the job began.
  fakegpu_cmdbuf* stamp() const { return stamp_; }
  void submitted() { submitted_ = device_.deadline_ns(0); }
  void done(Report& report) const {
    ++report.jobs;
    report.wait_ns.push_back(static_cast<int64_t>(started_[0]) - submitted_);
    report.latency_ns.push_back(device_.deadline_ns(0) - submitted_);
  }

 private:
  const Device& device_;
  Bo start_;
  CommandBuffer stamp_;
  std::span<uint64_t> started_;
  int64_t submitted_ = 0;
};

}  // namespace fakegpu::tools
