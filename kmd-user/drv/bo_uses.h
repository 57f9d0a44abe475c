// SPDX-License-Identifier: MIT
// The BOs that a submission says it uses: whom it has to wait for, and where its fence goes
// (amdgpu_sync_resv() and the dma_resv_add_fence() of amdgpu_cs_submit()). Under the device lock.
#pragma once

#include <vector>

#include <fakegpu_drm.h>

#include "bo_table.h"

namespace fakegpu::drv {

class BoUses {
 public:
  // 0; -EINVAL: flags, or a BO named twice; -ENOENT. Sorts `uses`.
  int look_up(const BoTable& bos, std::vector<drm_fakegpu_bo_use>& uses);
  // Appends what has to signal before.
  void depend(std::vector<fence::FenceRef>& dependencies) const;
  // Makes room for publish(), which must not fail.
  void reserve() const;
  // The job is armed: who comes next waits for it.
  void publish(const fence::FenceRef& finished) const;

 private:
  struct Use {
    mm::BoRef bo;
    fence::Resv::Usage usage;
  };

  std::vector<Use> uses_;
};

}  // namespace fakegpu::drv
