// SPDX-License-Identifier: MIT
// The fence page of an open file (struct drm_fakegpu_wait_seqno): what has finished, without an
// ioctl. Real counterpart: the user fence that libdrm_amdgpu looks at before it calls WAIT_CS.
#pragma once

#include <cstdint>

#include "transport.h"

namespace fakegpu::umd {

// Any thread.
class FencePage {
 public:
  // 0, or why there is none; without it wait() knows nothing.
  int map(Transport& transport, uint64_t features);

  // Whether the job has finished: looks, and where sleeping on the page is possible sleeps until it
  // has, for a millisecond at most and not beyond `deadline_ns`. False: the driver must be asked.
  bool wait(uint32_t slot, uint64_t seqno, int64_t deadline_ns, const Transport& clock) const;

 private:
  OwnedMapping mapping_;
  uint64_t slots_ = 0;
  bool sleep_ = false;
};

}  // namespace fakegpu::umd
