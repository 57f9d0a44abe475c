// SPDX-License-Identifier: MIT
#include "loop.h"

#include "base/log.h"
#include "loop_epoll.h"
#include "loop_uring.h"

namespace fakegpu::cuse_dev {

std::optional<LoopKind> parse_loop_kind(std::string_view name) {
  if (name == "auto") return LoopKind::kAuto;
  if (name == "uring") return LoopKind::kUring;
  if (name == "epoll") return LoopKind::kEpoll;
  return std::nullopt;
}

base::Result<std::unique_ptr<Loop>> make_loop(LoopKind kind) {
  if (kind == LoopKind::kEpoll) return EpollLoop::create();
  auto loop = UringLoop::create();
  if (loop || kind == LoopKind::kUring) return loop;
  base::log(base::LogLevel::kInfo, "no io_uring ({}), waiting by epoll", loop.error().message());
  return EpollLoop::create();
}

}  // namespace fakegpu::cuse_dev
