// SPDX-License-Identifier: MIT
// DRM events of one open file: queued when a job that asked for one is done, or the device was
// wedged, and taken by read(). Shared with those jobs, which may finish after the file is closed.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include <fakegpu_drm.h>

#include "base/ref.h"
#include "drv/file.h"
#include "lock.h"
#include "record_queue.h"

namespace fakegpu::drv {

// Under the device lock.
class EventQueue final : public base::RefCounted {
 public:
  explicit EventQueue(DeviceLock& lock) : lock_(lock) {}

  // Reserves room for an event that a submission will send; false: kLimit are outstanding.
  static constexpr size_t kLimit = 4096;
  bool reserve();
  // Sends a reserved event. After close() it is dropped.
  void send(const drm_fakegpu_event_fence& event);

  // The file's DRM_FAKEGPU_MONITOR_*: what it is told of the device.
  void monitor(uint32_t events) { monitored_ = events; }
  // To a file that monitors it. While kWedgedLimit are not read, those that need nobody's help are
  // dropped; the one that the device was given up comes once, and always.
  static constexpr size_t kWedgedLimit = 64;
  void send(const drm_fakegpu_event_wedged& event);

  // Makes room for so many records; before, there is none for any.
  void start_recording(size_t capacity) { records_.emplace(capacity); }
  bool records() const { return records_.has_value(); }
  // What it begins with, for which there is room too. May allocate.
  void begin_record(const drm_fakegpu_event_record& record) { records_->begin_with(record); }
  // Nobody is told before deliver(). Allocates nothing.
  void record(const drm_fakegpu_event_record& record) { records_->push(record); }
  // Tells who waits, if there is something to read.
  void deliver();

  bool empty() const { return events_.empty() && (!records_ || records_->empty()); }
  // Copies whole events; 0 if none fits or there is none.
  size_t take(std::span<std::byte> to);

  struct Read {
    uint64_t id;
    size_t bytes;
    ReadReply reply;
  };
  // Answered when an event arrives.
  void wait(Read read) { reads_.push_back(std::move(read)); }
  size_t waiting() const { return reads_.size(); }
  // Answers a pending read with an error. False: there is none of that id.
  bool fail_read(uint64_t id, int error);
  void fail_reads(int error);
  void set_wake(base::UniqueFunction<void()> wake) { wake_ = std::move(wake); }

  // The file is gone: pending reads are dropped.
  void close();

 private:
  using Event = std::variant<drm_fakegpu_event_fence, drm_fakegpu_event_wedged>;

  DeviceLock& lock_;
  std::deque<Event> events_;
  std::optional<RecordQueue> records_;
  std::deque<Read> reads_;
  base::UniqueFunction<void()> wake_;
  size_t outstanding_ = 0;  // fences' events, reserved and not read
  size_t wedged_ = 0;       // of `events_`
  uint32_t monitored_ = 0;
  bool closed_ = false;
};

}  // namespace fakegpu::drv
