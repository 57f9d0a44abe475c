// SPDX-License-Identifier: MIT
// What becomes of the jobs that were in flight on a ring that was reset: a policy by name.
//
//   reemit-innocent  other contexts' jobs are emitted again and run; amdgpu's newest
//   karma            the suspect gets more chances (hang_limit), then as above; drm_sched's of old
//   cancel-all       everything in flight is cancelled, and its context finished on that ring;
//                    amdgpu's of Linux 6.12
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "job.h"

namespace fakegpu::drv {

// What is known when the hardware runs again.
struct Aftermath {
  // That caused it and have not completed after all: of each ring that hung, one.
  std::vector<base::Ref<SubmitJob>> culprits;
  bool vram_lost = false;
  unsigned hang_limit = 0;
};

struct Fate {
  bool reemit = false;
  int error = 0;              // else
  bool ends_context = false;  // which takes no more work on that ring: it gets `error`
};

class AftermathPolicy {
 public:
  std::string_view name;
  // The culprit's context is to blame from now on.
  bool (*blames)(const SubmitJob& culprit, const Aftermath&);
  Fate (*judge)(const SubmitJob&, const Aftermath&);
};

// -EINVAL: no such policy.
base::Result<const AftermathPolicy*> find_aftermath_policy(std::string_view name);
std::span<const AftermathPolicy> aftermath_policies();

}  // namespace fakegpu::drv
