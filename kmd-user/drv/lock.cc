// SPDX-License-Identifier: MIT
#include "lock.h"

namespace fakegpu::drv {

DeviceLock::Guard::Guard(DeviceLock& lock) : lock_(lock) {
  lock_.mutex_.lock();
}

DeviceLock::Guard::~Guard() {
  lock_.settle_();
  lock_.now_ = 0;
  if (!lock_.first_) {
    lock_.mutex_.unlock();
    return;
  }
  base::Task first = std::move(lock_.first_);
  std::vector<base::Task> more;
  more.swap(lock_.more_);
  lock_.mutex_.unlock();
  first();
  for (base::Task& task : more) task();
}

}  // namespace fakegpu::drv
