// SPDX-License-Identifier: MIT
// Submissions that wait for room (DRM_FAKEGPU_SUBMIT_WAIT): of one context and ring, first come,
// first served. The kernel bounds neither an entity's queue nor makes anybody wait for it.
#pragma once

#include <fakegpu_drm.h>

#include <cstdint>
#include <vector>

#include "base/list.h"
#include "base/small_array.h"
#include "task.h"

namespace fakegpu::drv {

class Context;
class FileImpl;
class WaitingSubmit;

// What a SUBMIT points to, copied when it came.
struct SubmitArguments {
  base::SmallArray<drm_fakegpu_ib, 2> ibs;
  std::vector<drm_fakegpu_sync> in_syncs;
  std::vector<drm_fakegpu_sync> out_syncs;
  std::vector<drm_fakegpu_bo_use> bos;
  base::Ref<Task> task;  // whose call it is
};

// Is in the device's list while somebody waits in it. Under the device lock.
class SubmitQueue : public base::ListHook {
 public:
  SubmitQueue() = default;

  bool empty() const { return waits_.empty(); }
  WaitingSubmit* front() const { return waits_.front(); }

 private:
  friend class WaitingSubmit;
  base::List<WaitingSubmit> waits_;
};

// The pending call `id` of `file`, which owns this.
class WaitingSubmit : public base::ListHook {
 public:
  // Queues it. `full`: the device's list of the queues in which somebody waits.
  WaitingSubmit(FileImpl& file, uint64_t id, const drm_fakegpu_submit& arg,
                SubmitArguments arguments, SubmitQueue& queue, base::List<SubmitQueue>& full);
  ~WaitingSubmit();

  FileImpl& file() const { return file_; }
  uint64_t id() const { return id_; }
  drm_fakegpu_submit& arg() { return arg_; }
  SubmitArguments& arguments() { return arguments_; }

 private:
  FileImpl& file_;
  uint64_t id_;
  drm_fakegpu_submit arg_;
  SubmitArguments arguments_;
  SubmitQueue& queue_;
};

}  // namespace fakegpu::drv
