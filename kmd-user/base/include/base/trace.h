// SPDX-License-Identifier: MIT
// The one trace sink. Every state change of the stack is an event here, named as the kernel names
// it where the kernel has the event.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"

namespace fakegpu::base {

// One field of an event. `key` and a text value must be literals or outlive the emit() call.
struct TraceField {
  TraceField(std::string_view k, uint64_t v) : key(k), number(v) {}
  TraceField(std::string_view k, std::string_view v) : key(k), text(v), is_text(true) {}

  std::string_view key;
  std::string_view text;
  uint64_t number = 0;
  bool is_text = false;
};

struct TraceEvent {
  Nanos when;
  std::string_view name;
  std::initializer_list<TraceField> fields;
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // From any thread, one call at a time (the Tracer serialises).
  virtual void emit(const TraceEvent& event) = 0;
};

// What the driver holds: a clock and perhaps a sink. Without a sink an event costs one branch.
class Tracer {
 public:
  explicit Tracer(const Clock& clock) : clock_(clock) {}

  // `sink` is borrowed; nullptr turns tracing off. Set it before work starts.
  void set_sink(TraceSink* sink) { sink_ = sink; }
  bool enabled() const { return sink_ != nullptr; }
  void emit(std::string_view name, std::initializer_list<TraceField> fields);

 private:
  const Clock& clock_;
  Mutex mutex_;
  TraceSink* sink_ = nullptr;
};

// Collects events as text, one line each: `seconds.nanoseconds: name: key=value key=value`.
class TextTrace final : public TraceSink {
 public:
  void emit(const TraceEvent& event) override;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace fakegpu::base
