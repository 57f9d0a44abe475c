// SPDX-License-Identifier: MIT
#include "task.h"

#include "base/process.h"

namespace fakegpu::drv {

base::Ref<Task> LastTask::find(int32_t pid) {
  {
    const base::MutexLock lock(mutex_);
    if (task_->pid == pid) return task_;
  }
  auto task = base::make_ref<Task>(pid, base::command_of(pid));
  const base::MutexLock lock(mutex_);
  task_ = task;
  return task;
}

}  // namespace fakegpu::drv
