// SPDX-License-Identifier: MIT
// Recovery of the device: one reset domain for all rings. A suspect is taken up the ladder until
// the hardware runs again; then every job that was in flight is accounted for. Suspects that come
// up meanwhile wait, and are forgotten if what ended the first one has ended them too. Real
// counterpart: amdgpu_device_gpu_recover() and what comes before it in amdgpu_job_timedout().
//
//   idle --suspect--> soft recovery -> queue reset -> engine reset -> GPU reset -> wedged
//    ^   \--fault----------------------^     |             |              |
//    '--------- done, ring tests passed -----+-------------+--------------'
//
// A step that is not done within its bound, or after which a ring fails its test, is followed by
// the next; a GPU reset is tried twice.
//
// Traced: gpu_hang (nothing was done yet), gpu_reset_begin (the core dump is taken), for each step
// gpu_reset_step and, when the hardware has done it, gpu_reset_test; then gpu_reset_settle (the
// tests passed) and gpu_reset_end (jobs are accounted for), or gpu_wedged.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aftermath.h"
#include "base/executor.h"
#include "lock.h"
#include "quarantine.h"
#include "reset_steps.h"

namespace fakegpu::drv {

struct Suspicion {
  // What a timeout is about may be ended by killing waves; a queue that stopped by itself has none.
  enum class Cause { kTimeout, kFault } cause;
  Ring& ring;
  SubmitJob* job;  // null: the oldest that has not completed
  std::string why;
};

// What a recovery asks of its device, under the lock.
class RecoveryHost {
 public:
  // A hang was found; nothing has been disturbed yet.
  virtual void hang_found(const Suspicion& suspicion) = 0;
  // It is over, by this step. `task`: who submitted what it began with; null: unknown.
  virtual void recovery_ended(ResetStep step, bool vram_lost, base::Ref<Task> task) = 0;
  // The chip is as after power on: programs it again. True: what was in VRAM is lost.
  virtual bool power_up_again() = 0;

 protected:
  ~RecoveryHost() = default;
};

struct RecoveryOptions {
  const AftermathPolicy* policy;
  unsigned hang_limit;
  bool as_6_12;  // the last error wins; only a GPU reset blames
};

class Recovery {
 public:
  // Of the time between two looks no more than this part of the step's bound counts: if they are
  // further apart the process was stopped or starved, and the engines with it. So there are as many
  // looks at least before a step has failed.
  static constexpr int kLooks = 100;
  // Between two looks passes an eighth of what was waited already, but no more than that part and
  // no less than this: who is quick is not kept waiting, and who does not answer costs little.
  static constexpr base::Nanos kFirstPause = 20 * base::kNanosPerMicro;

  Recovery(DeviceLock& lock, base::Executor& executor, base::Tracer& tracer, RecoveryHost& host,
           ResetSteps& steps, Quarantine& quarantine)
      : lock_(lock),
        executor_(executor),
        tracer_(tracer),
        host_(host),
        steps_(steps),
        quarantine_(quarantine) {}
  ~Recovery();
  // Before anything can hang.
  void configure(RecoveryOptions options) { options_ = options; }

  // Starts with it now, or when what is under way is over and it has not ended by that.
  void suspect(Suspicion suspicion);
  bool in_progress() const { return episode_.has_value(); }
  // Whether what is under way is done. By itself now and then; and whenever fences were processed,
  // so that who is woken by one finds what there is to say of it.
  void look();
  // `ring` stands, or a suspect of it waits.
  bool concerns(const Ring& ring) const;
  // Recoveries that changed something, and those of them that lost VRAM.
  const RecoveryCounts& counts() const { return counts_; }
  bool wedged() const { return wedged_; }
  // No more: the device is going away.
  void stop();

 private:
  enum class Phase { kActing, kTesting };

  struct Case {
    Suspicion::Cause cause;
    Ring* ring;
    base::Ref<SubmitJob> job;
    std::string why;
  };
  struct Episode {
    Case suspect;
    base::Ref<Task> task;  // that submitted it
    ResetStep step = ResetStep::kKillWaves;
    Phase phase = Phase::kActing;
    base::Nanos last_look = 0;
    base::Nanos waited = 0;
    std::vector<Ring*> standing;  // their schedulers are stopped
    bool vram_lost = false;
    bool retried = false;
  };

  bool awaited(const Ring& ring) const;
  void open_next();
  bool still_suspect(const Case& suspect) const;
  void enter(ResetStep step);
  void trace_step(std::string_view event);
  void arm();
  void stand(Ring& ring);
  void acted();
  bool tests_passed() const;
  void next_step();
  void conclude();
  std::vector<base::Ref<SubmitJob>> take_culprits();
  void settle(Ring& ring, const Aftermath& after);
  void wedge();
  void blame(SubmitJob& job);

  DeviceLock& lock_;  // also the clock
  base::Executor& executor_;
  base::Tracer& tracer_;
  RecoveryHost& host_;
  ResetSteps& steps_;
  Quarantine& quarantine_;
  RecoveryOptions options_ = {};
  std::optional<Episode> episode_;
  std::deque<Case> waiting_;
  base::TimerId timer_ = 0;
  RecoveryCounts counts_;
  bool wedged_ = false;
};

}  // namespace fakegpu::drv
