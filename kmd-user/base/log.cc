// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <cstdio>

#include "base/mutex.h"

namespace fakegpu::base {

namespace {

Mutex g_mutex;
LogSink g_sink GUARDED_BY(g_mutex);

constexpr const char* kNames[] = {"error", "warning", "info", "debug"};

}  // namespace

void set_log_level(LogLevel level) {
  log_level.store(level, std::memory_order_relaxed);
}

void set_log_sink(LogSink sink) {
  MutexLock lock(g_mutex);
  // The old sink dies with the parameter, after the lock.
  std::swap(g_sink, sink);
}

void log_line(LogLevel level, std::string_view line) {
  MutexLock lock(g_mutex);
  if (g_sink) {
    g_sink(level, line);
  } else {
    std::fprintf(stderr, "fakegpu %s: %.*s\n", kNames[static_cast<int>(level)],
                 static_cast<int>(line.size()), line.data());
  }
}

}  // namespace fakegpu::base
