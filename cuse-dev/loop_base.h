// SPDX-License-Identifier: MIT
// What the loops share: the watches with their ids, the tasks from other threads, the stop flag,
// and the eventfd that ends a wait.
#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "loop.h"

namespace fakegpu::cuse_dev {

class LoopBase : public Loop {
 public:
  WatchId watch(int fd, Readable readable) override;
  void unwatch(WatchId id) override;
  ssize_t write(int fd, std::span<const iovec> ranges) override;
  void post(base::Task task) override;
  void run() override;
  void stop() override;

 protected:
  struct Watch {
    WatchId id;
    int fd;
    Readable readable;
    bool live = true;
    bool ready = false;  // stands in ready_
    bool armed = false;  // the kernel will report it; arm() and collect() keep this
  };

  explicit LoopBase(base::UniqueFd wake) : wake_(std::move(wake)) {}
  static base::Result<base::UniqueFd> make_wake_fd();
  // Sets up the watch of the wake-up descriptor; the last step of construction.
  base::Result<> watch_wake();

  // The kernel's side of a watch. By level: an armed descriptor is reported as long as it is
  // readable, so that no read has to find out that there is nothing more.
  virtual base::Result<> arm(Watch& watch) = 0;
  virtual void disarm(Watch& watch) = 0;
  // Reports arrivals by mark_ready(). Waits for one if `block`.
  virtual void collect(bool block) = 0;
  // Called by run() in its thread before anything else.
  virtual void enter() {}

  Watch* find(WatchId id);
  void mark_ready(Watch& watch);

 private:
  void run_tasks();
  bool drain_wake();

  base::UniqueFd wake_;
  WatchId next_id_ = 1;
  std::unordered_map<WatchId, std::unique_ptr<Watch>> watches_;
  // Removed while callbacks may still run; freed between two rounds.
  std::vector<std::unique_ptr<Watch>> removed_;
  std::vector<Watch*> ready_;
  std::vector<Watch*> round_;
  bool in_round_ = false;
  std::vector<base::Task> running_;

  std::atomic<bool> stopping_{false};
  base::Mutex mutex_;
  std::vector<base::Task> tasks_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;
};

}  // namespace fakegpu::cuse_dev
