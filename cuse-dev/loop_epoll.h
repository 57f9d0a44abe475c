// SPDX-License-Identifier: MIT
#pragma once

#include "loop_base.h"

namespace fakegpu::cuse_dev {

class EpollLoop final : public LoopBase {
 public:
  static base::Result<std::unique_ptr<Loop>> create();
  std::string_view name() const override { return "epoll"; }

 private:
  EpollLoop(base::UniqueFd wake, base::UniqueFd epoll)
      : LoopBase(std::move(wake)), epoll_(std::move(epoll)) {}

  base::Result<> arm(Watch& watch) override;
  void disarm(Watch& watch) override;
  void collect(bool block) override;

  base::UniqueFd epoll_;
};

}  // namespace fakegpu::cuse_dev
