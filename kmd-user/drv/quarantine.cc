// SPDX-License-Identifier: MIT
#include "quarantine.h"

#include "ring.h"

namespace fakegpu::drv {

void Quarantine::hold(Ring& ring) {
  ring.scheduler().for_each_pending(
      [this](sched::Job& job) { held_.emplace_back(static_cast<SubmitJob&>(job).context().vm()); });
}

}  // namespace fakegpu::drv
