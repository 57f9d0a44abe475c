// SPDX-License-Identifier: MIT
#include "quarantine.h"

#include "base/log.h"
#include "ring.h"

namespace fakegpu::drv {

Quarantine::~Quarantine() {
  stop();
}

void Quarantine::take(Ring& ring) {
  SubmitJob* executing = nullptr;
  ring.scheduler().for_each_pending([&executing](sched::Job& pending) {
    auto& job = static_cast<SubmitJob&>(pending);
    if (!executing && !job.emission()->test_signaled()) executing = &job;
  });
  if (!executing) return;
  Vm::Hold memory(executing->context().vm());
  if (!vmids_.retire(executing->vmid())) {
    base::log(base::LogLevel::kError, "Ring {} keeps its memory: there is no VMID to spare",
              ring.info().name);
    held_.push_back(std::move(memory));
    return;
  }
  taken_.push_back({std::move(memory), executing->vmid()});
  arm();
}

void Quarantine::hold(Ring& ring) {
  ring.scheduler().for_each_pending(
      [this](sched::Job& job) { held_.emplace_back(static_cast<SubmitJob&>(job).context().vm()); });
}

void Quarantine::stop() {
  if (timer_) executor_.cancel(std::exchange(timer_, 0));
  for (Taken& taken : taken_) held_.push_back(std::move(taken.memory));
  taken_.clear();
}

void Quarantine::arm() {
  if (timer_) return;
  timer_ = executor_.post_at(clock_.now() + kLook, [this] {
    DeviceLock::Guard guard(lock_);
    timer_ = 0;
    look();
  });
}

void Quarantine::look() {
  std::erase_if(taken_, [this](const Taken& taken) { return vmids_.drain(taken.vmid); });
  if (!taken_.empty()) arm();
}

}  // namespace fakegpu::drv
