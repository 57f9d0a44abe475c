// SPDX-License-Identifier: MIT
#include "node_files.h"

#include <unistd.h>

#include "base/real_executor.h"

namespace fakegpu::cuse_dev {

NodeFiles::NodeFiles(Loop& loop, const base::Clock& clock, std::unique_ptr<FdTaker> taker)
    : loop_(loop), taker_(std::move(taker)), claims_(clock) {}

uint64_t NodeFiles::enter(OpenFile& open) {
  files_.emplace(++last_id_, &open);
  return last_id_;
}

void NodeFiles::add_node(NodeIdentity node) {
  if (taker_) taker_->add_node(node);
}

void NodeFiles::take(int32_t tid, int32_t fd, FdTaker::Done done) {
  if (taker_) return taker_->take(tid, fd, std::move(done));
  loop_.post([done = std::move(done)]() mutable { done({.error = -EPERM}); });
}

drv::TakenFd NodeFiles::resolve(FetchedFd fetched) {
  drv::TakenFd taken = {.error = fetched.error, .foreign = std::move(fetched.eventfd)};
  if (fetched.error != 0 || fetched.file_id == 0) return taken;
  const auto open = files_.find(fetched.file_id);
  // Closed since it was looked at.
  if (open == files_.end())
    taken.error = -EBADF;
  else
    taken.file = open->second->file.get();
  return taken;
}

void NodeFiles::start() {
  if (served_++ != 0) return;
  if (taker_) taker_->watch();
  timer_watch_ = loop_.watch(claims_.timer(), [this] { return close_expired(); });
}

void NodeFiles::stop() {
  if (--served_ != 0) return;
  loop_.unwatch(timer_watch_);
  if (taker_) taker_->unwatch();
  claims_.clear();
}

bool NodeFiles::close_expired() {
  uint64_t expirations;
  if (::read(claims_.timer(), &expirations, sizeof(expirations)) < 0) return false;
  claims_.expire();
  return true;
}

std::shared_ptr<NodeFiles> make_node_files(Loop& loop, std::unique_ptr<FdTaker> taker) {
  static const base::MonotonicClock clock;
  return std::make_shared<NodeFiles>(loop, clock, std::move(taker));
}

}  // namespace fakegpu::cuse_dev
