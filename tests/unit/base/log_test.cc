// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace fakegpu::base {
namespace {

using testing::ElementsAre;

class Log : public testing::Test {
 protected:
  void TearDown() override {
    set_log_sink(nullptr);
    set_log_level(LogLevel::kWarning);
  }
};

TEST_F(Log, SinkHearsWhatIsAtOrBelowTheLevel) {
  std::vector<std::string> lines;
  set_log_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  log(LogLevel::kError, "e{}", 1);
  log(LogLevel::kWarning, "w{}", 2);
  log(LogLevel::kInfo, "i{}", 3);
  set_log_level(LogLevel::kDebug);
  log(LogLevel::kDebug, "d{}", 4);
  set_log_level(LogLevel::kError);
  log(LogLevel::kWarning, "w{}", 5);
  EXPECT_THAT(lines, ElementsAre("e1", "w2", "d4"));
}

TEST_F(Log, WhatIsAboveTheLevelIsNotFormatted) {
  EXPECT_FALSE(log_enabled(LogLevel::kInfo));
  EXPECT_TRUE(log_enabled(LogLevel::kWarning));
}

TEST_F(Log, DefaultSinkIsStandardError) {
  testing::internal::CaptureStderr();
  log(LogLevel::kError, "ring {} timeout", 3);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "fakegpu error: ring 3 timeout\n");
}

TEST_F(Log, OldSinkIsDestroyedOutsideTheLock) {
  struct LogsWhenItGoes {
    ~LogsWhenItGoes() { log(LogLevel::kError, "bye"); }
  };
  std::vector<std::string> lines;
  set_log_sink([owned = std::make_unique<LogsWhenItGoes>()](LogLevel, std::string_view) {});
  set_log_sink([&](LogLevel, std::string_view line) { lines.emplace_back(line); });
  EXPECT_THAT(lines, ElementsAre("bye"));
}

TEST_F(Log, OneCallAtATime) {
  int inside = 0;
  int calls = 0;
  set_log_sink([&](LogLevel, std::string_view) {
    EXPECT_EQ(++inside, 1);
    ++calls;
    --inside;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 1000; ++i) log(LogLevel::kError, "{}", i);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 4000);
}

}  // namespace
}  // namespace fakegpu::base
