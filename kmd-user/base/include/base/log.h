// SPDX-License-Identifier: MIT
// One process-wide log. Wording follows the kernel's where the kernel has the message.
#pragma once

#include <atomic>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/unique_function.h"

namespace fakegpu::base {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

using LogSink = UniqueFunction<void(LogLevel, std::string_view)>;

// Messages above `level` are not formatted. Default: kWarning.
void set_log_level(LogLevel level);
inline std::atomic<LogLevel> log_level{LogLevel::kWarning};
inline bool log_enabled(LogLevel level) {
  return level <= log_level.load(std::memory_order_relaxed);
}
// Replaces the sink (default: standard error, one line each). The sink may be called from any
// thread, one call at a time, and does not log itself. nullptr restores the default.
void set_log_sink(LogSink sink);
void log_line(LogLevel level, std::string_view line);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fakegpu::base
