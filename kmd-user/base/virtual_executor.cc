// SPDX-License-Identifier: MIT
#include "base/virtual_executor.h"

#include <algorithm>
#include <cassert>

namespace fakegpu::base {

VirtualExecutor::VirtualExecutor(uint64_t seed, Nanos start) : random_(seed), now_(start) {}

VirtualExecutor::~VirtualExecutor() {
  // One by one, with all tables intact: what a task owns may post or cancel as it goes.
  while (live_ != 0) {
    drop_cancelled();
    const Task dropped = take(heap_.front().id);
  }
}

void VirtualExecutor::post(Task task) {
  add(now_, std::move(task));
}

TimerId VirtualExecutor::post_at(Nanos when, Task task) {
  return add(std::max(when, now_), std::move(task));
}

TimerId VirtualExecutor::add(Nanos when, Task&& task) {
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
  const Key key{when, random_(), id};
  if (!heap_.empty() && !waits(heap_.front().id)) {
    replace_front(key);
  } else {
    push_key(key);
  }
  return id;
}

bool VirtualExecutor::cancel(TimerId timer) {
  const TimerId at = timer & ((TimerId{1} << kSlotBits) - 1);
  if (timer == 0 || at >= slots_.size() || !waits(timer)) return false;
  const Task dropped = take(timer);
  drop_cancelled();
  return true;
}

// Frees the slot; the caller runs or drops the task once all is in order again.
Task VirtualExecutor::take(TimerId id) {
  Slot& slot = slot_of(id);
  Task task = std::move(slot.task);
  slot.id = 0;
  free_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
  --live_;
  return task;
}

void VirtualExecutor::push_key(const Key& key) {
  size_t at = heap_.size();
  heap_.push_back(key);
  for (; at > 0 && key.before(heap_[(at - 1) / 2]); at = (at - 1) / 2)
    heap_[at] = heap_[(at - 1) / 2];
  heap_[at] = key;
}

void VirtualExecutor::pop_key() {
  const Key last = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) replace_front(last);
}

void VirtualExecutor::replace_front(const Key& key) {
  const size_t size = heap_.size();
  size_t at = 0;
  for (size_t child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(key)) break;
    heap_[at] = heap_[child];
    at = child;
  }
  heap_[at] = key;
}

void VirtualExecutor::drop_cancelled() {
  while (!heap_.empty() && !waits(heap_.front().id)) pop_key();
  if (heap_.size() <= 2 * live_ + 64) return;
  std::erase_if(heap_, [this](const Key& key) { return !waits(key.id); });
  std::make_heap(heap_.begin(), heap_.end(),
                 [](const Key& a, const Key& b) { return b.before(a); });
}

bool VirtualExecutor::step() {
  if (live_ == 0) return false;
  drop_cancelled();
  const Key next = heap_.front();
  Task task = take(next.id);
  now_ = next.when;
  task();
  drop_cancelled();
  return true;
}

uint64_t VirtualExecutor::run() {
  uint64_t events = 0;
  while (step()) ++events;
  return events;
}

void VirtualExecutor::run_until(Nanos when) {
  drop_cancelled();
  while (live_ != 0 && heap_.front().when <= when) step();
  now_ = std::max(now_, when);
}

}  // namespace fakegpu::base
