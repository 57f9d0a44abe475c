// SPDX-License-Identifier: MIT
// Memory that an engine may still work in although nobody waits for its jobs any more: the ring was
// given up, or the device is going away. Real drivers have this problem only in theory, as they
// reset the whole chip then; here the chip would go on to write into pages that have a new owner.
#pragma once

#include <vector>

#include "base/executor.h"
#include "lock.h"
#include "mm/vmid.h"
#include "vm.h"

namespace fakegpu::drv {

class Ring;

// Under the device lock.
class Quarantine {
 public:
  Quarantine(DeviceLock& lock, mm::VmidManager& vmids, const base::Clock& clock,
             base::Executor& executor)
      : lock_(lock), vmids_(vmids), clock_(clock), executor_(executor) {}
  ~Quarantine();

  // `ring` was given up, and its pending jobs are about to be failed. Its VMID is taken from the
  // job that executes, and the job's address space keeps all it has, and what is unbound from it,
  // until no engine uses a translation of that VMID. The jobs behind that one never start: the
  // reset was asked for, and takes hold before the next packet.
  void take(Ring& ring);

  // The device is going away: keeps the memory of all pending jobs of `ring` for as long as this
  // lives.
  void hold(Ring& ring);
  // What was taken is now held.
  void stop();

 private:
  // How often is looked whether an engine has let go. Nobody waits for that.
  static constexpr base::Nanos kLook = 10 * base::kNanosPerMilli;

  struct Taken {
    Vm::Hold memory;
    unsigned vmid;
  };

  void arm();
  void look();

  DeviceLock& lock_;
  mm::VmidManager& vmids_;
  const base::Clock& clock_;
  base::Executor& executor_;
  std::vector<Taken> taken_;
  std::vector<Vm::Hold> held_;
  base::TimerId timer_ = 0;
};

}  // namespace fakegpu::drv
