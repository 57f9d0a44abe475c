// SPDX-License-Identifier: MIT
#include "loop_base.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"

namespace fakegpu::cuse_dev {

base::Result<base::UniqueFd> LoopBase::make_wake_fd() {
  base::UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return base::fail_errno("eventfd");
  return fd;
}

base::Result<> LoopBase::watch_wake() {
  auto watch =
      std::make_unique<Watch>(Watch{next_id_++, wake_.get(), [this] { return drain_wake(); }});
  FAKEGPU_TRY(arm(*watch));
  watches_.emplace(watch->id, std::move(watch));
  return {};
}

Loop::WatchId LoopBase::watch(int fd, Readable readable) {
  auto watch = std::make_unique<Watch>(Watch{next_id_++, fd, std::move(readable)});
  Watch& added = *watch;
  watches_.emplace(added.id, std::move(watch));
  if (auto armed = arm(added); !armed)
    base::log(base::LogLevel::kError, "cannot watch descriptor {}: {}", fd,
              armed.error().message());
  // What arrived before is found by the first call, whatever the kernel's notification starts from.
  mark_ready(added);
  return added.id;
}

void LoopBase::unwatch(WatchId id) {
  auto found = watches_.find(id);
  if (found == watches_.end()) return;
  std::unique_ptr<Watch> watch = std::move(found->second);
  watches_.erase(found);
  watch->live = false;
  disarm(*watch);
  if (!in_round_) std::erase(ready_, watch.get());
  if (in_round_) removed_.push_back(std::move(watch));
}

ssize_t LoopBase::write(int fd, std::span<const iovec> ranges) {
  return ::writev(fd, ranges.data(), static_cast<int>(ranges.size()));
}

void LoopBase::post(base::Task task) {
  bool wake;
  {
    base::MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    wake = !std::exchange(woken_, true);
  }
  // One wake-up serves all tasks that are posted until it is seen.
  if (wake) eventfd_write(wake_.get(), 1);
}

void LoopBase::stop() {
  stopping_.store(true, std::memory_order_release);
  eventfd_write(wake_.get(), 1);
}

bool LoopBase::drain_wake() {
  eventfd_t count;
  eventfd_read(wake_.get(), &count);
  run_tasks();
  return false;
}

void LoopBase::run_tasks() {
  {
    base::MutexLock lock(mutex_);
    woken_ = false;
    running_.swap(tasks_);
  }
  for (base::Task& task : running_) task();
  running_.clear();
}

LoopBase::Watch* LoopBase::find(WatchId id) {
  auto found = watches_.find(id);
  return found == watches_.end() ? nullptr : found->second.get();
}

void LoopBase::mark_ready(Watch& watch) {
  if (!std::exchange(watch.ready, true)) ready_.push_back(&watch);
}

void LoopBase::run() {
  enter();
  while (!stopping_.load(std::memory_order_acquire)) {
    collect(ready_.empty());
    round_.swap(ready_);
    in_round_ = true;
    for (Watch* watch : round_) {
      watch->ready = false;
      if (!watch->live) continue;
      watch->readable();
      if (watch->live && !watch->armed) (void)arm(*watch);
    }
    in_round_ = false;
    round_.clear();
    if (!removed_.empty()) {
      std::erase_if(ready_, [](const Watch* watch) { return !watch->live; });
      removed_.clear();
    }
  }
  // What is still to be written.
  collect(false);
  stopping_.store(false, std::memory_order_release);
}

}  // namespace fakegpu::cuse_dev
