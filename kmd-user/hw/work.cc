// SPDX-License-Identifier: MIT
#include "work.h"

#include <algorithm>

#include "engine.h"

namespace fakegpu::hw {
namespace {

using Mode = packets::pm4::Hang::Mode;

// Progress is stored at most this often, so that short units do not make the engine wake for each.
constexpr base::Nanos kMinProgressStep = 10 * base::kNanosPerMicro;

}  // namespace

void WorkOperation::begin(const packets::pm4::Work& work, base::Nanos cursor) {
  begin(work.units, work.unit_ns, work.progress_address, cursor);
  waves_ = true;
}

void WorkOperation::begin(const packets::sdma::Work& work, base::Nanos cursor) {
  begin(work.units, work.unit_ns, work.progress_address, cursor);
  waves_ = false;
}

void WorkOperation::begin(uint32_t units, uint32_t unit_ns, uint64_t progress_address,
                          base::Nanos cursor) {
  units_ = units;
  unit_ns_ = unit_ns;
  progress_address_ = progress_address;
  start_ = cursor;
  done_ = 0;
}

Outcome WorkOperation::advance(Engine& engine) {
  const uint64_t unit = unit_ns_;
  const base::Nanos end = add_time(start_, units_ * unit);
  const base::Nanos now = engine.now();
  if (end == SerialTask::kNever && progress_address_ == 0)
    return Outcome::wait_until(SerialTask::kNever);

  const uint64_t elapsed = static_cast<uint64_t>(std::max<base::Nanos>(now - start_, 0));
  const uint64_t done = now >= end ? units_ : elapsed / unit;
  if (done != done_) {
    done_ = static_cast<uint32_t>(done);
    if (progress_address_ && !engine.memory().store32(progress_address_, done_))
      return Outcome::vm_fault();
  }
  if (now >= end) {
    // A timer that was much too late has moved the cursor on.
    engine.set_cursor(std::max(end, engine.cursor()));
    return Outcome::done();
  }
  if (progress_address_ == 0) return Outcome::wait_until(end);
  const uint64_t batch = std::max<uint64_t>(1, kMinProgressStep / unit);
  return Outcome::wait_until(std::min(end, add_time(start_, (done + batch) * unit)));
}

void HangOperation::begin(Mode mode, base::Nanos until) {
  mode_ = mode;
  until_ = mode == Mode::kTimed ? until : SerialTask::kNever;
}

Outcome HangOperation::advance(Engine& engine) {
  if (until_ != SerialTask::kNever && engine.now() >= until_) return Outcome::done();
  return Outcome::wait_until(until_);
}

bool HangOperation::killable() const {
  return mode_ == Mode::kWave || mode_ == Mode::kIgnorePreempt;
}

bool HangOperation::ends_with(ResetLevel level) const {
  switch (mode_) {
    case Mode::kIgnoreQueueReset:
      return level >= ResetLevel::kBlock;
    case Mode::kSurviveSoftReset:
      return level >= ResetLevel::kChip;
    default:
      return true;
  }
}

}  // namespace fakegpu::hw
