// SPDX-License-Identifier: MIT
// Recovery of one ring by queue reset. The job that executes is guilty: it finishes with -ETIME and
// its context takes no more work; the guilty context's other jobs on the ring finish with
// -ECANCELED; jobs of other contexts are emitted again and run. Real counterpart: amdgpu's ring
// reset with re-emission (amdgpu_ring_reset_helper_begin and _end).
//
//   running --fault or timeout--> resetting --queue reset done--> running
//                                     `------bound exceeded-----> dead: everything pending fails
#pragma once

#include <vector>

#include "base/executor.h"
#include "lock.h"
#include "quarantine.h"
#include "ring.h"

namespace fakegpu::drv {

// Counts and times of recoveries, shared by all rings. Under the device lock.
class Recovery {
 public:
  // How long a queue reset may take. Of the time between two looks at the ring no more than
  // kLongestGap counts: if they are further apart the process was stopped or starved, and the
  // engine with it. So there are a hundred looks at least before a ring is given up.
  static constexpr base::Nanos kBound = base::kNanosPerSecond;
  static constexpr base::Nanos kLongestGap = 10 * base::kNanosPerMilli;
  static constexpr base::Nanos kPoll = 20 * base::kNanosPerMicro;

  Recovery(DeviceLock& lock, const base::Clock& clock, base::Executor& executor,
           base::Tracer& tracer, Quarantine& quarantine)
      : lock_(lock), clock_(clock), executor_(executor), tracer_(tracer), quarantine_(quarantine) {}
  ~Recovery();

  // Starts recovering `ring` unless that is under way. `why` goes to the log. `guilty` may be null:
  // then the oldest pending job is.
  void begin(Ring& ring, SubmitJob* guilty, std::string_view why);
  bool recovering(const Ring& ring) const;
  // Recoveries so far.
  uint64_t count() const { return count_; }
  // No more: the device is going away.
  void stop();

 private:
  struct Resetting {
    Ring* ring;
    base::Ref<SubmitJob> guilty;
    base::Nanos last_look;
    base::Nanos waited;
  };

  void arm();
  void poll();
  // What the ring completed between begin() and the end of fetching is done, and must not run
  // twice.
  void keep_completed(Ring& ring);
  void finish(Resetting& resetting);
  void give_up(Resetting& resetting);

  DeviceLock& lock_;
  const base::Clock& clock_;
  base::Executor& executor_;
  base::Tracer& tracer_;
  Quarantine& quarantine_;
  std::vector<Resetting> resetting_;
  base::TimerId timer_ = 0;
  uint64_t count_ = 0;
};

}  // namespace fakegpu::drv
