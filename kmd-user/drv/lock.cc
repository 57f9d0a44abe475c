// SPDX-License-Identifier: MIT
#include "lock.h"

namespace fakegpu::drv {

DeviceLock::Guard::Guard(DeviceLock& lock) : lock_(lock) {
  lock_.mutex_.lock();
}

DeviceLock::Guard::~Guard() {
  lock_.settle_();
  lock_.now_ = 0;
  if (lock_.deferred_.empty()) {
    lock_.mutex_.unlock();
    return;
  }
  std::vector<base::Task> deferred;
  deferred.swap(lock_.deferred_);
  lock_.mutex_.unlock();
  for (base::Task& task : deferred) task();
}

}  // namespace fakegpu::drv
