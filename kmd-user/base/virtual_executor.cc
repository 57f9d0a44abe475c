// SPDX-License-Identifier: MIT
#include "base/virtual_executor.h"

#include <algorithm>

namespace fakegpu::base {

VirtualExecutor::VirtualExecutor(uint64_t seed, Nanos start) : random_(seed), now_(start) {}

VirtualExecutor::~VirtualExecutor() {
  // One by one, with both tables intact: what a task owns may post or cancel as it goes.
  while (!queue_.empty()) {
    const auto dropped = queue_.extract(queue_.begin());
    keys_.erase(dropped.key().id);
  }
}

void VirtualExecutor::post(Task task) {
  post_at(now_, std::move(task));
}

TimerId VirtualExecutor::post_at(Nanos when, Task task) {
  const Key key{std::max(when, now_), random_(), next_id_++};
  keys_.emplace(key.id, key);
  queue_.emplace(key, std::move(task));
  return key.id;
}

bool VirtualExecutor::cancel(TimerId timer) {
  const auto found = keys_.find(timer);
  if (found == keys_.end()) return false;
  const auto dropped = queue_.extract(found->second);
  keys_.erase(found);
  return true;
}

bool VirtualExecutor::step() {
  if (queue_.empty()) return false;
  auto node = queue_.extract(queue_.begin());
  keys_.erase(node.key().id);
  now_ = node.key().when;
  node.mapped()();
  return true;
}

uint64_t VirtualExecutor::run() {
  uint64_t events = 0;
  while (step()) ++events;
  return events;
}

void VirtualExecutor::run_until(Nanos when) {
  while (!queue_.empty() && queue_.begin()->first.when <= when) step();
  now_ = std::max(now_, when);
}

}  // namespace fakegpu::base
