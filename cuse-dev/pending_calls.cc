// SPDX-License-Identifier: MIT
#include "pending_calls.h"

namespace fakegpu::cuse_dev {

void PendingCalls::add(Id id, fuse_req* request, void* owner) {
  base::MutexLock lock(mutex_);
  if (early_.erase(id) != 0) return;
  calls_.emplace(id, Entry{request, owner});
}

bool PendingCalls::finish(Id id) {
  base::MutexLock lock(mutex_);
  if (calls_.erase(id) != 0) return true;
  if (taken_.erase(id) != 0) return false;
  early_.insert(id);
  return true;
}

void* PendingCalls::owner(Id id) {
  base::MutexLock lock(mutex_);
  auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.owner;
}

std::vector<PendingCalls::Call> PendingCalls::take_all(void* owner) {
  base::MutexLock lock(mutex_);
  std::vector<Call> taken;
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (owner != nullptr && call->second.owner != owner) {
      ++call;
      continue;
    }
    taken.push_back({call->first, call->second.request});
    taken_.insert(call->first);
    call = calls_.erase(call);
  }
  return taken;
}

size_t PendingCalls::size() {
  base::MutexLock lock(mutex_);
  return calls_.size();
}

}  // namespace fakegpu::cuse_dev
