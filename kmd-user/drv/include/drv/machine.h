// SPDX-License-Identifier: MIT
// A fake GPU with its driver bound to it: what a daemon, the in-process library and the simulator
// put up. The public header of the driver; everything a transport needs is here and in drv/file.h.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/trace.h"
#include "drv/faults.h"
#include "drv/features.h"
#include "drv/file.h"
#include "hw/profile.h"

namespace fakegpu::drv {

// Longest execution of one job (amdgpu.lockup_timeout); 0: any.
struct LockupTimeout {
  base::Nanos gfx = 2 * base::kNanosPerSecond;
  base::Nanos compute = 10 * base::kNanosPerSecond;
  base::Nanos sdma = 2 * base::kNanosPerSecond;
};

// What the driver may be told, as module parameters are.
struct Options {
  std::string policy = "prepaid";  // sched/policy.h
  // Jobs a ring holds (amdgpu.sched_hw_submission); -EINVAL at bring-up beyond what its buffer has
  // room for.
  unsigned hw_submission = 16;
  // A ring that has work for this long is given no more; 0: only hw_submission counts.
  base::Nanos queue_time = 2 * base::kNanosPerMilli;
  LockupTimeout lockup_timeout;
  // What becomes of other jobs when one is found to hang: reemit-innocent, karma or cancel-all
  // (amdgpu.gpu_recovery and the versions of it).
  std::string recovery = "reemit-innocent";
  // karma: how often a job may be found to hang before it is the culprit.
  unsigned hang_limit = 1;
  // Id of each ring's first emission, not 0. As the kernel's jiffies begin shortly before they wrap
  // around, this may be where a fence of 32 bits would.
  uint64_t first_emission = 1;
  // As Linux 6.12 does it: cancel-all, the last error of a finished fence wins, and only a reset of
  // the whole GPU makes a context guilty.
  bool as_6_12 = false;
  // Bounds on what one open file may hold; beyond: -ENOSPC (memory, page tables included),
  // -EMFILE (objects), -EAGAIN (jobs).
  uint64_t file_bytes = UINT64_MAX;
  unsigned file_objects = 16384;  // handles of each kind; each BO may cost the daemon a mapping
  // Binds in all its address spaces, with those that are unbound but kept for jobs. Each costs the
  // daemon about 100 bytes. As many as Linux lets a process have mappings (vm.max_map_count).
  unsigned file_binds = 65536;
  unsigned file_jobs = 4096;   // submitted and not finished
  unsigned file_waits = 1024;  // pending waits, reads and submissions that wait for room
  // Jobs that a context may have on one ring and that have not started; beyond: -EAGAIN, or the
  // submission waits, if it says so.
  unsigned entity_jobs = 1024;
  // Entries of all its pending waits; beyond: -ENOMEM. Each costs the daemon about 100 bytes, and
  // every signal of a syncobj looks at all that are on it. The kernel has no such bound: there a
  // wait costs its caller a thread.
  unsigned file_wait_entries = 4 * 65536;
  // Where clients find the daemon's channel; empty: there is none (-EOPNOTSUPP).
  std::string channel_path;
  // Besides root, this user may use high priorities: the daemon's own.
  uint32_t owner_uid = 0;
  // The transport can mmap(fd, BO_MMAP offset).
  bool mmap = false;
  // What it has of Feature; calls of the rest answer -EOPNOTSUPP.
  uint32_t features = kAllFeatures;
};

// The names that Options::policy may have, the default first.
std::span<const std::string_view> policy_names();
// What Options::recovery may be, the default first.
std::span<const std::string_view> recovery_names();

class Machine {
 public:
  // Builds the chip and brings the driver up in named steps; a failing step undoes those before it
  // and is named in the error. `clock`, `executor` and `tracer` outlive the machine.
  static base::Result<std::unique_ptr<Machine>> create(const hw::Profile& profile, Options options,
                                                       base::Clock& clock, base::Executor& executor,
                                                       base::Tracer& tracer);
  // Every file is closed before. Waits for nothing: pending jobs are cancelled (-ENODEV). The
  // executor must run no more of this machine's tasks: stopped, or run dry after shutdown().
  virtual ~Machine() = default;

  // A new open file. `render`: opened through a render node. `memory_of`, an open file of this
  // machine: the new one takes its pages from the same arena, so that who maps either sees the
  // buffers of both; handles and bounds stay each file's own, and either may be closed first.
  // -ENODEV: after shutdown(). With `memory_of` also what pages() of that file gives.
  virtual base::Result<std::unique_ptr<File>> open(const Caller& opener, bool render = true,
                                                   File* memory_of = nullptr) = 0;

  // An open sw_sync node. `name`: the opener's command, which its fences give as their timeline.
  virtual base::Result<std::unique_ptr<File>> open_sw_sync(std::string_view name) = 0;

  // Takes the file that CHANNEL gave this token for, if `uid` is the one that asked and it is not
  // ten seconds old. Works once. nullptr: no. The file must not be used after it is closed: the
  // transport that owns it learns of that by File::on_close.
  virtual File* redeem(const uint64_t token[2], uint32_t uid) = 0;

  // The device is going away: every pending call is answered -ENODEV (waits included), jobs are
  // cancelled, later calls fail with -ENODEV. Idempotent.
  virtual void shutdown() = 0;

  virtual Faults& faults() = 0;

  // Live objects, for leak checks: with no file open, only the driver's own BOs and bytes are left.
  struct Census {
    // `objects`: open files that are not the device's.
    uint64_t files, bos, syncobjs, contexts, jobs, waits, objects;
    uint64_t heap_bytes[2];
  };
  virtual Census census() = 0;
};

}  // namespace fakegpu::drv
