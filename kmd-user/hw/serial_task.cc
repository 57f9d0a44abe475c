// SPDX-License-Identifier: MIT
#include "serial_task.h"

namespace fakegpu::hw {

bool SerialTask::Presence::enter() {
  if (!(state_.fetch_add(2, std::memory_order_acq_rel) & kGone)) return true;
  leave();
  return false;
}

void SerialTask::Presence::leave() {
  if (state_.fetch_sub(2, std::memory_order_acq_rel) == (2 | kGone)) state_.notify_all();
}

void SerialTask::Presence::end() {
  uint32_t state = state_.fetch_or(kGone, std::memory_order_acq_rel) | kGone;
  for (; state != kGone; state = state_.load(std::memory_order_acquire)) state_.wait(state);
}

void SerialTask::post() {
  executor_.post(task(&SerialTask::start));
}

void SerialTask::kick() {
  // Always a read-modify-write: whoever clears kQueued later thereby sees what was written before.
  if (state_.fetch_or(kQueued, std::memory_order_acq_rel) == 0) post();
}

bool SerialTask::try_enter() {
  uint32_t state = state_.load(std::memory_order_relaxed);
  while (!(state & kRunning))
    if (state_.compare_exchange_weak(state, state | kRunning, std::memory_order_acq_rel))
      return true;
  kick();
  return false;
}

void SerialTask::leave(bool again) {
  if (again) {
    state_.exchange(kQueued, std::memory_order_acq_rel);
    post();
    return;
  }
  // A task of an earlier kick may still be in the executor; then the later of the two finds
  // nothing.
  if (state_.fetch_and(~uint32_t{kRunning}, std::memory_order_acq_rel) & kQueued) post();
}

void SerialTask::start() {
  uint32_t state = state_.load(std::memory_order_relaxed);
  do {
    if (!(state & kQueued) || (state & kRunning)) return;
  } while (!state_.compare_exchange_weak(state, kRunning, std::memory_order_acq_rel));
  body_();
}

void SerialTask::expire(base::Nanos when) {
  due_.compare_exchange_strong(when, kNever, std::memory_order_acq_rel);
  // Runs right here, not as one more task, unless somebody is at it.
  uint32_t idle = 0;
  if (state_.compare_exchange_strong(idle, kRunning, std::memory_order_acq_rel)) {
    body_();
    return;
  }
  state_.fetch_or(kQueued, std::memory_order_acq_rel);
  start();
}

void SerialTask::set_timer(base::Nanos when) {
  const base::Nanos due = due_.load(std::memory_order_acquire);
  if (due == when) return;
  // One that fires just now at worst runs the body for nothing.
  if (due != kNever) executor_.cancel(timer_);
  due_.store(when, std::memory_order_release);
  if (when != kNever) timer_ = executor_.post_at(when, task(&SerialTask::expire, when));
}

}  // namespace fakegpu::hw
