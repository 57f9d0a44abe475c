// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fakegpu::sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& text) {
  try {
    parse_scenario(text, "f");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "none";
}

const std::string kClient = "[[client]]\nname = \"a\"\n[[client.queue]]\nlength = \"1ms\"\n";

TEST(Duration, HasAUnit) {
  EXPECT_EQ(parse_duration("250us"), 250'000);
  EXPECT_EQ(parse_duration("16.67ms"), 16'670'000);
  EXPECT_EQ(parse_duration("2s"), 2'000'000'000);
  EXPECT_EQ(parse_duration("0ns"), 0);
  for (const char* bad : {"", "1", "ms", "-1ms", "1 ms", "1m", "1e3ms", "inf", "nans", "9999999s"})
    EXPECT_EQ(parse_duration(bad), -1) << bad;
}

TEST(Scenario, WhatIsNotGivenHasDefaults) {
  const Scenario scenario = parse_scenario(kClient, "f");
  EXPECT_EQ(scenario.duration, base::kNanosPerSecond);
  EXPECT_EQ(scenario.wake, 5'000);
  EXPECT_GE(scenario.policies.size(), 2u);
  EXPECT_EQ(scenario.clients.at(0).queues.at(0).patterns.at(0).length.first, 1'000'000);
  EXPECT_EQ(scenario.clients[0].queues[0].window, 1u);
}

TEST(Scenario, ReadsEverythingThatAQueueCanBe) {
  const Scenario scenario = parse_scenario(R"(
title = "t"
duration = "3s"
seeds = [4, 9]
policies = ["rr"]
credits = 2
[gpu]
compute_rings = 2
sdma_rings = 1
[[client]]
name = "a"
count = 3
[[client.queue]]
name = "x"
ring = "compute"
instance = 1
priority = "high"
arrival = "periodic"
fps = 50
phase = "1ms"
length = { bimodal = [["1ms", 0.9], ["20ms", 0.1]] }
[[client.queue]]
name = "y"
after = ["a.x"]
length = { uniform = ["1ms", "2ms"] }
[[client.queue.then]]
from = "1s"
arrival = "async"
jobs = 20
)",
                                           "f");
  EXPECT_EQ(scenario.seeds, (std::vector<uint64_t>{4, 9}));
  EXPECT_EQ(scenario.sdma_rings, 1u);
  const QueueSpec& x = scenario.clients.at(0).queues.at(0);
  const Pattern& pattern = x.patterns.at(0);
  EXPECT_EQ(pattern.period, 20'000'000);
  EXPECT_EQ(pattern.from, 1'000'000);
  EXPECT_EQ(pattern.length.parts.size(), 2u);
  const QueueSpec& y = scenario.clients[0].queues.at(1);
  EXPECT_EQ(y.after.at(0).queue, 0u);
  ASSERT_EQ(y.patterns.size(), 2u);
  EXPECT_EQ(y.patterns[1].arrival, Arrival::kAsync);
  EXPECT_EQ(y.patterns[1].length.second, 2'000'000);
  EXPECT_EQ(y.window, 20u);
  EXPECT_EQ(x.steady_period(), 20'000'000);
  EXPECT_EQ(y.steady_period(), 0);
}

struct Bad {
  const char* text;  // {} is a good client
  int line;
  const char* says;
};

TEST(Scenario, RefusesWhatIsWrongWithPlaceAndExpectation) {
  const Bad rows[] = {
      {"x = 1\n{}", 1, "unknown key \"x\""},
      {"title = 3\n{}", 1, "expected a string"},
      {"duration = \"-1s\"\n{}", 1, "expected a duration"},
      {"duration = 5\n{}", 1, "expected a duration"},
      {"wake = \"0us\"\n{}", 1, "expected a duration"},
      {"credits = 0\n{}", 1, "expected an integer from 1"},
      {"policies = [\"best\"]\n{}", 1, "expected some of"},
      {"policies = [\"rr\", \"rr\"]\n{}", 1, "twice"},
      {"seeds = [-1]\n{}", 1, "at least 0"},
      {"seeds = 0\n{}", 1, "expected an integer from 1"},
      {"gpu = 1\n{}", 1, "expected a table"},
      {"title = \"\n{}", 1, ""},
      {"", 1, "needs a [[client]]"},
      {"{}{}", 6, "no other client has"},
      {"{}after = [\"a.b\"]\n", 5, "no queue \"a.b\""},
      {"{}after = [\"a.main\"]\n", 5, "cycle"},
      {"{}priority = \"huge\"\n", 5, "low, normal, high"},
      {"{}ring = \"video\"\n", 5, "gfx, compute, sdma"},
      {"{}ring = \"sdma\"\ninstance = 2\n", 6, "2 rings"},
      {"[gpu]\nsdma_rings = 5\n{}", 2, "an integer from 0 to 4"},
      {"{}instance = 1\n", 5, "1 rings"},
      {"{}arrival = \"periodic\"\n", 3, "expected a period or fps"},
      {"{}arrival = \"periodic\"\nperiod = \"1ns\"\n", 6, "expected a duration"},
      {"{}arrival = \"poisson\"\nrate = -1\n", 6, "expected a number"},
      {"{}arrival = \"trace\"\ntimes = [\"2ms\", \"1ms\"]\n", 6, "no earlier"},
      {"{}jobs = 5000\n", 5, "expected an integer from 1"},
      {"{}jobs = 3\nwindow = 2\n", 6, "expected an integer from 3"},
      {"lockup_timeout = 3\n{}", 1, "expected a duration"},
      {"recovery = \"none\"\n{}", 1, "reemit-innocent, karma, cancel-all"},
      {"fault = 3\n{}", 1, "expected an array"},
      {"[[fault]]\nat = \"1s\"\n{}", 1, "fault"},
      {"[[fault]]\ninject = \"hang,often\"\n{}", 2, "often"},
      {"[[fault]]\ninject = \"no-memory\"\n{}", 2, "the chip has no fault"},
      {"[[fault]]\ninject = \"hang\"\nwhen = 1\n{}", 3, "unknown key"},
      {"{}then = 3\n", 5, "expected an array"},
      {"{}[[client.queue.then]]\njobs = 2\n", 5, "expected from"},
      {"{}[[client.queue.then]]\nfrom = \"1s\"\n", 5, "something that changes"},
      {"{}[[client.queue.then]]\nfrom = \"0s\"\njobs = 2\n", 6, "after the begin"},
      {"{}start = \"1s\"\nphase = \"1s\"\n[[client.queue.then]]\nfrom = \"2s\"\njobs = 2\n", 8,
       "after the begin"},
      {"{}stop = \"1s\"\n[[client.queue.then]]\nfrom = \"1s\"\njobs = 2\n", 7, "before stop"},
      {"{}[[client.queue.then]]\nfrom = \"1s\"\njobs = 0\n", 7, "an integer from 1"},
      {"{}[[client.queue.then]]\nfrom = \"1s\"\narrival = \"burst\"\n", 5, "a period or fps"},
      {"{}[[client.queue.then]]\nfrom = \"1s\"\npriority = \"low\"\n", 7, "unknown key"},
      {"{}window = 2\n[[client.queue.then]]\nfrom = \"1s\"\njobs = 3\n", 5,
       "expected an integer from 3"},
      {"{}[[client.queue]]\nlength = \"1ms\"\n", 5, "no other queue"},
      {"[[client]]\nname = \"a.b\"\n", 2, "without a dot"},
      {"[[client]]\nname = \"a\"\n[[client.queue]]\n", 3, "needs a length"},
      {"[[client]]\nname = \"a\"\n[[client.queue]]\nlength = \"5s\"\n", 4, "expected a duration"},
      {"[[client]]\nname = \"a\"\n[[client.queue]]\nlength = {uniform = [\"2ms\", \"1ms\"]}\n", 4,
       "lesser first"},
      {"[[client]]\nname = \"a\"\n[[client.queue]]\nlength = {wild = 1}\n", 4, "unknown key"},
  };
  for (const Bad& row : rows) {
    std::string text = row.text;
    for (size_t at; (at = text.find("{}")) != std::string::npos;) text.replace(at, 2, kClient);
    EXPECT_THAT(error_of(text), StartsWith("f:" + std::to_string(row.line) + ": ")) << text;
    EXPECT_THAT(error_of(text), HasSubstr(row.says)) << text;
  }
}

}  // namespace
}  // namespace fakegpu::sim
