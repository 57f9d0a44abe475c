// SPDX-License-Identifier: MIT
#include "base/virtual_executor.h"

#include <algorithm>
#include <cassert>
#include <functional>

namespace fakegpu::base {

VirtualExecutor::VirtualExecutor(uint64_t seed, Nanos start) : random_(seed), now_(start) {}

VirtualExecutor::~VirtualExecutor() {
  // One by one, with all tables intact: what a task owns may post or cancel as it goes.
  while (live_ != 0) take(heap_.front().id);
}

void VirtualExecutor::post(Task task) {
  post_at(now_, std::move(task));
}

TimerId VirtualExecutor::post_at(Nanos when, Task task) {
  if (free_.empty()) {
    assert(slots_.size() >> kSlotBits == 0);
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
    free_.reserve(
        slots_.capacity());  // an event that is over gives its slot back without allocating
  }
  const uint32_t at = free_.back();
  free_.pop_back();
  const TimerId id = ++events_ << kSlotBits | at;
  slots_[at].task = std::move(task);
  slots_[at].id = id;
  ++live_;
  heap_.push_back({std::max(when, now_), random_(), id});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  return id;
}

bool VirtualExecutor::cancel(TimerId timer) {
  const TimerId at = timer & ((TimerId{1} << kSlotBits) - 1);
  if (timer == 0 || at >= slots_.size() || !waits(timer)) return false;
  const Task dropped = take(timer);
  return true;
}

// Frees the slot; the caller runs or drops the task once all is in order again.
Task VirtualExecutor::take(TimerId id) {
  Slot& slot = slot_of(id);
  Task task = std::move(slot.task);
  slot.id = 0;
  free_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
  --live_;
  drop_cancelled();
  return task;
}

void VirtualExecutor::pop_key() {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.pop_back();
}

void VirtualExecutor::drop_cancelled() {
  while (!heap_.empty() && !waits(heap_.front().id)) pop_key();
  if (heap_.size() <= 2 * live_ + 64) return;
  std::erase_if(heap_, [this](const Key& key) { return !waits(key.id); });
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

bool VirtualExecutor::step() {
  if (live_ == 0) return false;
  const Key next = heap_.front();
  Task task = take(next.id);
  now_ = next.when;
  task();
  return true;
}

uint64_t VirtualExecutor::run() {
  uint64_t events = 0;
  while (step()) ++events;
  return events;
}

void VirtualExecutor::run_until(Nanos when) {
  while (live_ != 0 && heap_.front().when <= when) step();
  now_ = std::max(now_, when);
}

}  // namespace fakegpu::base
