// SPDX-License-Identifier: MIT
// Memory that an engine may still work in although nobody waits for its jobs any more: the device
// is going away, or was given up. Real drivers cut such a device off from the bus; here the chip
// would go on to write into pages that have a new owner.
#pragma once

#include <vector>

#include "vm.h"

namespace fakegpu::drv {

class Ring;

// Under the device lock.
class Quarantine {
 public:
  // Keeps what the pending jobs of `ring` may touch, and what is unbound from their address spaces,
  // for as long as this lives.
  void hold(Ring& ring);

 private:
  std::vector<Vm::Hold> held_;
};

}  // namespace fakegpu::drv
