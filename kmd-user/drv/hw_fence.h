// SPDX-License-Identifier: MIT
// A hardware fence: one emission of one job on one ring. A job that is emitted again gets another;
// the old one can no longer complete it. Emission ids count up per ring and are what the
// end of the ring frame writes to memory.
#pragma once

#include <memory>
#include <string>

#include "fence/fence.h"

namespace fakegpu::drv {

class HwFence final : public fence::Fence {
 public:
  // `timeline`: the ring's name; shared, since fences outlive rings.
  HwFence(uint64_t context, uint64_t emission, std::shared_ptr<const std::string> timeline)
      : Fence(context, emission), timeline_(std::move(timeline)) {}

  std::string_view timeline_name() const override { return *timeline_; }
  uint64_t emission() const { return seqno(); }

 private:
  std::shared_ptr<const std::string> timeline_;
};

}  // namespace fakegpu::drv
