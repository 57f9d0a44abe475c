// SPDX-License-Identifier: MIT
#include "fence/sw_sync.h"

#include <cerrno>
#include <utility>

namespace fakegpu::fence {

namespace {

constexpr size_t kLongestName = 31;

}  // namespace

class SwTimeline::Point final : public Fence {
 public:
  Point(SwTimeline& timeline, uint32_t value, uint64_t position)
      : Fence(timeline.context_, value), timeline_(&timeline), position_(position) {
    count_in_32_bits();
  }
  ~Point() override {
    const auto at = timeline_->pending_.find(position_);
    if (at != timeline_->pending_.end() && at->second == this) timeline_->pending_.erase(at);
  }

  std::string_view driver_name() const override { return "sw_sync"; }
  std::string_view timeline_name() const override { return timeline_->name_; }

 private:
  SwTimelineRef timeline_;
  uint64_t position_;
};

SwTimeline::SwTimeline(Contexts& contexts, std::string_view name)
    : name_(name.substr(0, kLongestName)), context_(contexts.allocate()) {}

FenceRef SwTimeline::create_fence(uint32_t value, base::Nanos now) {
  const int64_t ahead = static_cast<int32_t>(value - this->value());
  const uint64_t position = value_ + static_cast<uint64_t>(ahead);
  if (ahead > 0) {
    const auto at = pending_.find(position);
    // One that was let go while somebody listened to it signals, and is still on its way out.
    if (at != pending_.end() && !at->second->test_signaled()) return FenceRef(at->second);
  }
  auto point = base::make_ref<Point>(*this, value, position);
  if (ahead > 0) {
    pending_.insert_or_assign(position, point.get());
  } else {
    point->signal(now);
  }
  return point;
}

void SwTimeline::inc(uint32_t step, base::Nanos now) {
  const SwTimelineRef self(this);
  value_ += step;
  while (!pending_.empty() && pending_.begin()->first <= value_) signal_first(0, now);
}

void SwTimeline::close(base::Nanos now) {
  const SwTimelineRef self(this);
  while (!pending_.empty()) signal_first(-ENOENT, now);
}

void SwTimeline::signal_first(int error, base::Nanos now) {
  const base::Ref<Point> point(pending_.begin()->second);
  pending_.erase(pending_.begin());
  if (error != 0) point->set_error(error);
  point->signal(now);
}

int SwTimeline::deadline(const Fence& fence, base::Nanos& out) {
  if (dynamic_cast<const Point*>(&fence) == nullptr) return -EINVAL;
  if (fence.deadline() == 0) return -ENOENT;
  out = fence.deadline();
  return 0;
}

}  // namespace fakegpu::fence
