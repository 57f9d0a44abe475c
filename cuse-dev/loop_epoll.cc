// SPDX-License-Identifier: MIT
#include "loop_epoll.h"

#include <sys/epoll.h>

namespace fakegpu::cuse_dev {

base::Result<std::unique_ptr<Loop>> EpollLoop::create() {
  auto wake = make_wake_fd();
  if (!wake) return tl::unexpected(std::move(wake).error());
  base::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return base::fail_errno("epoll_create1");
  std::unique_ptr<EpollLoop> loop(new EpollLoop(std::move(*wake), std::move(epoll)));
  FAKEGPU_TRY(loop->watch_wake());
  return loop;
}

base::Result<> EpollLoop::arm(Watch& watch) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = watch.id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch.fd, &event) < 0)
    return base::fail_errno("epoll_ctl");
  watch.armed = true;
  return {};
}

void EpollLoop::disarm(Watch& watch) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.fd, nullptr);
}

void EpollLoop::collect(bool block) {
  epoll_event events[16];
  const int count = epoll_wait(epoll_.get(), events, 16, block ? -1 : 0);
  for (int i = 0; i < count; ++i)
    if (Watch* watch = find(events[i].data.u64)) mark_ready(*watch);
}

}  // namespace fakegpu::cuse_dev
