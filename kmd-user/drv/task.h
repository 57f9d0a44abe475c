// SPDX-License-Identifier: MIT
// Who submits (amdgpu's struct amdgpu_task_info): as it was when it did, since it may be gone when
// its job hangs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "base/ref.h"

namespace fakegpu::drv {

struct Task final : base::RefCounted {
  Task(int32_t thread, std::string name) : pid(thread), command(std::move(name)) {}

  const int32_t pid;  // a thread's, where the transport knows it; 0: it is not to be seen
  const std::string command;
};

// The task that submitted last by one open file. /proc is asked when it is another one than before,
// as amdgpu_vm_set_task_info() does, so one that renames itself meanwhile keeps its old name. Any
// thread.
class LastTask {
 public:
  explicit LastTask(base::Ref<Task> first) : task_(std::move(first)) {}

  // `pid`: of a thread, > 0.
  base::Ref<Task> find(int32_t pid);

 private:
  base::Mutex mutex_;
  base::Ref<Task> task_ GUARDED_BY(mutex_);
};

}  // namespace fakegpu::drv
