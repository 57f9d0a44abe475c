// SPDX-License-Identifier: MIT
// A fence whose owner the test plays, and listeners that remember what they heard.
#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "base/unique_function.h"
#include "fence/fence.h"

namespace fakegpu::fence {

class FakeFence final : public Fence {
 public:
  explicit FakeFence(uint64_t context = 1, uint64_t seqno = 1) : Fence(context, seqno) { ++alive; }
  ~FakeFence() override { --alive; }
  std::string_view timeline_name() const override { return "fake"; }

  // The answers and effects of the owner's hooks.
  bool done_when_enabled = false;
  bool done_when_polled = false;
  base::UniqueFunction<void()> when_enabled;
  base::UniqueFunction<void()> when_polled;
  int enables = 0;
  std::vector<base::Nanos> deadlines;

  inline static int alive = 0;
  inline static uint64_t polls = 0;

 private:
  bool do_enable_signaling() override {
    ++enables;
    if (when_enabled) when_enabled();
    return !done_when_enabled;
  }
  bool poll_signaled() override {
    ++polls;
    if (when_polled) when_polled();
    return done_when_polled;
  }
  void do_set_deadline(base::Nanos when) override { deadlines.push_back(when); }
};

using FakeRef = base::Ref<FakeFence>;

inline FakeRef fake(uint64_t context = 1, uint64_t seqno = 1) {
  return base::make_ref<FakeFence>(context, seqno);
}

// Counts; and does `then` each time.
class Listener final : public Callback {
 public:
  Listener() = default;
  explicit Listener(base::UniqueFunction<void()> f) : then(std::move(f)) {}
  void fence_signaled(Fence& fence) override {
    ++calls;
    status = fence.status();
    if (then) {
      // May destroy this listener.
      auto run = std::move(then);
      run();
    }
  }

  base::UniqueFunction<void()> then;
  int calls = 0;
  int status = 0;
};

// Collects the log while it lives.
class LogCapture {
 public:
  LogCapture() {
    base::set_log_sink([this](base::LogLevel, std::string_view line) { lines.emplace_back(line); });
  }
  ~LogCapture() { base::set_log_sink(nullptr); }

  std::vector<std::string> lines;
};

}  // namespace fakegpu::fence
