// SPDX-License-Identifier: MIT
#include "fence/fence.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "base/log.h"

namespace fakegpu::fence {

namespace {

constexpr int kLowestError = -4095;  // MAX_ERRNO

class Stub final : public Fence {
 public:
  Stub() : Fence(0, 0) {}
  std::string_view driver_name() const override { return "stub"; }
  std::string_view timeline_name() const override { return "stub"; }
};

}  // namespace

static_assert(sizeof(Fence) == 64);

Fence::~Fence() {
  if (callbacks_.empty()) return;
  // Only where a derived class overrides destroy(). Not signal(): its reference would destroy this
  // again.
  base::log(base::LogLevel::kError, "Fence {:x}:{:x} released with pending signals!", context_,
            seqno_);
  set_error(-EDEADLK);
  signaled_.store(true, std::memory_order_release);
  run_callbacks();
}

void Fence::destroy() const {
  if (callbacks_.empty()) {
    dispose();
    return;
  }
  // Alive again for as long as its callbacks run.
  add_ref();
  const_cast<Fence*>(this)->abandon();
  release();
}

void Fence::abandon() {
  base::log(base::LogLevel::kError, "Fence {}:{}:{:x}:{:x} released with pending signals!",
            driver_name(), timeline_name(), context_, seqno_);
  set_error(-EDEADLK);
  signal(0);
}

bool Fence::is_signaled() {
  if (test_signaled()) return true;
  const FenceRef self(this);
  if (!poll_signaled()) return false;
  signal(0);
  return true;
}

int Fence::status() const {
  if (!test_signaled()) return 0;
  return error_ != 0 ? error_ : 1;
}

int Fence::add_callback(Callback& callback) {
  assert(!callback.linked());
  if (test_signaled()) return -ENOENT;
  if (!enabled_) {
    const FenceRef self(this);
    enable();
    if (test_signaled()) return -ENOENT;
  }
  callbacks_.push_back(callback);
  return 0;
}

bool Fence::remove_callback(Callback& callback) {
  if (!callback.linked()) return false;
  callback.unlink();
  return true;
}

void Fence::enable_signaling() {
  if (enabled_ || test_signaled()) return;
  const FenceRef self(this);
  enable();
}

void Fence::enable() {
  enabled_ = true;
  if (!do_enable_signaling()) signal(0);
}

void Fence::set_error(int error) {
  if (error < kLowestError || error >= 0) {
    base::log(base::LogLevel::kWarning, "Fence {:x}:{:x}: {} is not an error", context_, seqno_,
              error);
    return;
  }
  if (test_signaled()) {
    base::log(base::LogLevel::kWarning, "Fence {:x}:{:x}: error {} comes after its signal",
              context_, seqno_, error);
    return;
  }
  if (error_ == 0) error_ = static_cast<int16_t>(error);
}

bool Fence::signal(base::Nanos when) {
  if (test_signaled()) return false;
  timestamp_ = when;
  signaled_.store(true, std::memory_order_release);
  if (callbacks_.empty()) return true;
  const FenceRef self(this);
  run_callbacks();
  return true;
}

void Fence::run_callbacks() {
  // From the front each time: a callback may destroy or remove any other.
  while (Callback* callback = callbacks_.pop_front()) callback->fence_signaled(*this);
}

bool Fence::keep_deadline(base::Nanos when) {
  when = std::max<base::Nanos>(when, 1);
  if (deadline_ != 0 && deadline_ <= when) return false;
  deadline_ = when;
  return true;
}

void Fence::set_deadline(base::Nanos when) {
  if (!test_signaled() && keep_deadline(when)) do_set_deadline(deadline_);
}

FenceRef make_stub(base::Nanos when) {
  FenceRef stub = base::make_ref<Stub>();
  stub->signal(when);
  return stub;
}

}  // namespace fakegpu::fence
