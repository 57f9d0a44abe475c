// SPDX-License-Identifier: MIT
#include "base/trace.h"

#include <iterator>

#include <fmt/format.h>

namespace fakegpu::base {

void Tracer::emit(std::string_view name, std::initializer_list<TraceField> fields) {
  if (!sink_) return;
  MutexLock lock(mutex_);
  sink_->emit({clock_.now(), name, fields});
}

void TextTrace::emit(const TraceEvent& event) {
  auto out = std::back_inserter(text_);
  fmt::format_to(out, "{}.{:09}: {}:", event.when / kNanosPerSecond, event.when % kNanosPerSecond,
                 event.name);
  for (const TraceField& field : event.fields) {
    if (field.is_text) {
      fmt::format_to(out, " {}={}", field.key, field.text);
    } else {
      fmt::format_to(out, " {}={}", field.key, field.number);
    }
  }
  text_ += '\n';
}

}  // namespace fakegpu::base
