// SPDX-License-Identifier: MIT
#include "events.h"

#include <algorithm>
#include <cstring>

namespace fakegpu::drv {

bool EventQueue::reserve() {
  if (outstanding_ >= kLimit) return false;
  ++outstanding_;
  return true;
}

void EventQueue::send(const drm_fakegpu_event_fence& event) {
  if (closed_) return;
  events_.push_back(event);
  deliver();
}

void EventQueue::send(const drm_fakegpu_event_wedged& event) {
  if (!(monitored_ & DRM_FAKEGPU_MONITOR_WEDGED)) return;
  if (wedged_ >= kWedgedLimit && event.recovery == DRM_FAKEGPU_WEDGE_RECOVERY_NONE) return;
  ++wedged_;
  events_.push_back(event);
  deliver();
}

void EventQueue::deliver() {
  if (empty()) return;
  if (!reads_.empty()) {
    Read read = std::move(reads_.front());
    reads_.pop_front();
    std::vector<std::byte> bytes(read.bytes);
    bytes.resize(take(bytes));
    lock_.defer([reply = std::move(read.reply), bytes = std::move(bytes)]() mutable {
      reply(static_cast<int>(bytes.size()), bytes);
    });
  } else if (wake_) {
    lock_.defer(std::exchange(wake_, nullptr));
  }
}

size_t EventQueue::take(std::span<std::byte> to) {
  size_t used = 0;
  while (!events_.empty()) {
    const std::span<const std::byte> bytes = std::visit(
        [](const auto& event) { return std::as_bytes(std::span(&event, 1)); }, events_.front());
    if (to.size() - used < bytes.size()) return used;
    std::memcpy(to.data() + used, bytes.data(), bytes.size());
    used += bytes.size();
    --(std::holds_alternative<drm_fakegpu_event_fence>(events_.front()) ? outstanding_ : wedged_);
    events_.pop_front();
  }
  if (records_) used += records_->take(to.subspan(used));
  return used;
}

bool EventQueue::fail_read(uint64_t id, int error) {
  const auto found =
      std::find_if(reads_.begin(), reads_.end(), [id](const Read& read) { return read.id == id; });
  if (found == reads_.end()) return false;
  lock_.defer([reply = std::move(found->reply), error]() mutable { reply(error, {}); });
  reads_.erase(found);
  return true;
}

void EventQueue::fail_reads(int error) {
  while (!reads_.empty()) fail_read(reads_.front().id, error);
  if (wake_) lock_.defer(std::exchange(wake_, nullptr));
}

void EventQueue::close() {
  closed_ = true;
  events_.clear();
  records_.reset();
  reads_.clear();
  wake_ = nullptr;
}

}  // namespace fakegpu::drv
