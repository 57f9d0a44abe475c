// SPDX-License-Identifier: MIT
#include "engine.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "drv/machine.h"
#include "report.h"
#include "shipped.h"

namespace fakegpu::sim {
namespace {

constexpr Nanos kMs = base::kNanosPerMilli;

std::string client(const std::string& name, const std::string& queue) {
  return "[[client]]\nname = \"" + name + "\"\n[[client.queue]]\n" + queue + "\n";
}

RunStatistics run_text(const std::string& text, const std::string& policy = "prepaid",
                       uint64_t seed = 1) {
  return run(parse_scenario(text, "test"), {.policy = policy, .seed = seed});
}

// Every job that was submitted is told of once.
void expect_complete(const RunStatistics& result) {
  for (const ClientStatistics& one : result.clients) {
    EXPECT_EQ(one.submitted, one.finished + one.failed + one.open) << one.name;
    EXPECT_EQ(one.failed, 0u) << one.name;
  }
}

TEST(Engine, AloneAJobTakesItsLength) {
  for (const std::string_view policy : drv::policy_names()) {
    const auto result =
        run_text("duration = \"1s\"\n" + client("a", "length = \"2ms\"\nwait = \"3ms\""),
                 std::string(policy));
    const ClientStatistics& a = result.clients[0];
    EXPECT_EQ(a.latency.percentile(0.5), 2u * kMs);
    EXPECT_EQ(a.latency.max(), 2u * kMs);
    EXPECT_EQ(a.wait.max(), 0u);
    EXPECT_EQ(a.slowdown.mean(), 1000);
    // Each turn: the job, the reaction, the pause.
    EXPECT_EQ(a.finished, 200u);
    EXPECT_EQ(a.gpu_time, 400 * kMs);
    EXPECT_DOUBLE_EQ(result.rings.at(0).utilisation, 0.4);
    EXPECT_EQ(result.fairness, 1);
    expect_complete(result);
  }
}

TEST(Engine, WorkOnEveryKindOfRingTakesItsLength) {
  for (const std::string ring : {"gfx", "compute", "sdma"}) {
    const auto result =
        run_text("duration = \"100ms\"\n" +
                 client("a", "ring = \"" + ring + "\"\nlength = { uniform = [\"0s\", \"2ms\"] }"));
    const ClientStatistics& a = result.clients[0];
    EXPECT_GT(a.finished, 50u) << ring;
    EXPECT_EQ(a.wait.max(), 0u) << ring;
    EXPECT_EQ(a.slowdown.max(), 1000u) << ring;
    EXPECT_EQ(result.rings.size(), 1u) << ring;
    expect_complete(result);
  }
}

// A client that waits for each job has it ended once, and goes on with another context.
TEST(Engine, WhoIsGuiltyMakesAnotherContext) {
  const std::string faults =
      "duration = \"1s\"\nlockup_timeout = \"20ms\"\n[[fault]]\nat = \"100ms\"\n";
  for (const std::string ring : {"gfx", "sdma"}) {
    const auto result =
        run_text(faults + "inject = \"hang,ring=" + (ring == "gfx" ? "gfx_0.0" : "sdma0") + "\"\n" +
                 client("a", "length = \"2ms\"\nring = \"" + ring + "\"") +
                 client("b", "length = \"1ms\"\nring = \"" + ring + "\""));
    EXPECT_EQ(result.clients[0].failed + result.clients[1].failed, 1u) << ring;
    EXPECT_GT(result.clients[0].finished, 150u) << ring;
    EXPECT_GT(result.clients[1].finished, 150u) << ring;
  }
}

TEST(Engine, NoTimeoutNoRecovery) {
  const auto result =
      run_text("lockup_timeout = \"0s\"\n[[fault]]\nat = \"500ms\"\ninject = \"hang\"\n" +
               client("a", "length = \"2ms\""));
  EXPECT_EQ(result.clients[0].failed, 0u);
  EXPECT_NEAR(static_cast<double>(result.clients[0].finished), 250, 2);
  // It has a latency although nothing of it is done any more.
  EXPECT_NEAR(static_cast<double>(result.clients[0].longest_open), 500e6, 3e6);
}

TEST(Engine, AWedgedDeviceEndsAllClients) {
  const auto result = run_text(
      "duration = \"3s\"\nlockup_timeout = \"20ms\"\n"
      "[[fault]]\nat = \"100ms\"\ninject = \"endless-wait\"\n"
      "[[fault]]\ninject = \"mute-queue-reset\"\n[[fault]]\ninject = \"mute-engine-reset\"\n"
      "[[fault]]\ninject = \"mute-gpu-reset\"\n" +
      client("a", "length = \"2ms\""));
  EXPECT_EQ(result.clients[0].failed, 1u);
  EXPECT_EQ(result.clients[0].open, 0u);
  EXPECT_NEAR(static_cast<double>(result.clients[0].finished), 50, 1);
}

TEST(Engine, AFaultOfARingThatIsNotThereEndsTheRun) {
  EXPECT_THROW(
      run_text("[[fault]]\ninject = \"hang,ring=gfx_0.7\"\n" + client("a", "length = \"2ms\"")),
      std::runtime_error);
}

// An upload runs beside what is drawn, which waits for the next frame's.
TEST(Engine, AnUploadOnSdmaDelaysOnlyWhatGoesAfterIt) {
  const std::string frame = "arrival = \"periodic\"\nfps = 50\nlength = \"7ms\"\n";
  const auto result = run_text("duration = \"1s\"\n" +
                               client("game", "name = \"upload\"\nring = \"sdma\"\n" + frame +
                                                  "[[client.queue]]\nname = \"frame\"\n" + frame +
                                                  "after = [\"game.upload\"]") +
                               client("other", frame));
  EXPECT_EQ(result.clients[0].latency.max(), 14u * kMs);
  EXPECT_EQ(result.clients[1].latency.max(), 7u * kMs);
  ASSERT_EQ(result.rings.size(), 2u);
  EXPECT_EQ(result.rings[1].name, "sdma0");
  EXPECT_NEAR(result.rings[1].utilisation, 0.35, 0.01);
}

// The model of Linux's scheduler gives the same (432 and 64 ms of the first 500).
TEST(Engine, FairGivesLowWhatLinuxGives) {
  const std::string deep = "arrival = \"async\"\nlength = \"8ms\"\n";
  const auto result = run_text("duration = \"500ms\"\ncredits = 1\n" + client("normal", deep) +
                                   client("low", deep + "priority = \"low\""),
                               "fair");
  EXPECT_EQ(result.clients[0].gpu_time, 432 * kMs);
  EXPECT_EQ(result.clients[1].gpu_time, 64 * kMs);
}

TEST(Engine, AFrameWaitsForWhatItDependsOn) {
  const auto result = run_text(
      "duration = \"1s\"\n" +
      client("game", "arrival = \"periodic\"\nfps = 50\nring = \"compute\"\nlength = \"7ms\"") +
      client("screen",
             "arrival = \"periodic\"\nfps = 50\nlength = \"2ms\"\nafter = [\"game.main\"]"));
  EXPECT_EQ(result.clients[1].latency.max(), 9u * kMs);
  EXPECT_EQ(result.clients[1].missed, 0u);
  EXPECT_EQ(result.clients[1].deadlines, 51u);
  expect_complete(result);
}

TEST(Engine, CountsTheFramesThatAreLate) {
  const auto result = run_text("duration = \"1s\"\n" +
                               client("a", "arrival = \"periodic\"\nfps = 50\nlength = \"30ms\""));
  EXPECT_EQ(result.clients[0].finished, 33u);
  EXPECT_EQ(result.clients[0].missed, 49u);
}

TEST(Engine, WithoutLengthsOrPausesTimeGoesOn) {
  const auto result =
      run_text("duration = \"2ms\"\nwake = \"1us\"\n" + client("a", "length = \"0s\"") +
               client("b", "arrival = \"async\"\nlength = \"0ns\"") +
               client("c", "arrival = \"periodic\"\nperiod = \"1us\"\nlength = \"0ns\""));
  EXPECT_GT(result.finished, 2000u);
  expect_complete(result);
}

TEST(Engine, StopsWhatSubmitsTooMuch) {
  const Scenario scenario =
      parse_scenario(client("a", "arrival = \"async\"\nlength = \"100ns\""), "test");
  EXPECT_THROW(run(scenario, {.policy = "rr", .max_jobs = 1000}), std::runtime_error);
}

// So much of it that every test run has the time.
Scenario load_begin(const std::filesystem::path& path) {
  Scenario scenario = load(path);
  scenario.duration = std::min(scenario.duration, 20 * kMs);
  return scenario;
}

TEST(Engine, EveryShippedScenarioRunsUnderEveryPolicy) {
  EXPECT_EQ(shipped().size(), 18u);
  for (const auto& path : shipped()) {
    const Scenario scenario = load_begin(path);
    for (const std::string_view policy : drv::policy_names()) {
      SCOPED_TRACE(path.string() + ", " + std::string(policy));
      const auto result = run(scenario, {.policy = std::string(policy), .seed = 7});
      uint64_t submitted = 0;
      for (const ClientStatistics& one : result.clients) submitted += one.submitted;
      EXPECT_GT(submitted, 0u);
      expect_complete(result);
    }
  }
}

TEST(Engine, OneSeedIsOneTraceAndOneReport) {
  const Scenario scenario = load_begin(std::string(SCENARIOS) + "/desktop.toml");
  std::string traces[2];
  std::string reports[2];
  for (int i = 0; i < 2; ++i) {
    base::TextTrace trace;
    std::vector<PolicyRuns> all(1);
    all[0].runs.push_back(run(scenario, {.policy = "prepaid", .seed = 3, .trace = &trace}));
    traces[i] = trace.text();
    reports[i] = to_json(scenario, all) + to_csv(all) + to_table(scenario, all);
  }
  EXPECT_EQ(traces[0], traces[1]);
  EXPECT_EQ(reports[0], reports[1]);
  EXPECT_GT(traces[0].size(), 1000u);
}

TEST(Engine, RandomScenariosLoseNoJob) {
  EXPECT_TRUE(rc::check([] {
    std::string text =
        "duration = \"5ms\"\ncredits = " + std::to_string(*rc::gen::inRange(1, 5)) + "\n";
    const int clients = *rc::gen::inRange(1, 5);
    for (int i = 0; i < clients; ++i) {
      const auto us = [](int least, int most) {
        return "\"" + std::to_string(*rc::gen::inRange(least, most)) + "us\"\n";
      };
      std::string queue = "jobs = " + std::to_string(*rc::gen::inRange(1, 4)) + "\n";
      queue += *rc::gen::element<std::string>("arrival = \"sync\"\nwait = " + us(0, 300),
                                              "arrival = \"async\"\nwait = " + us(0, 300),
                                              "arrival = \"periodic\"\nperiod = " + us(50, 900),
                                              "arrival = \"poisson\"\nperiod = " + us(50, 900),
                                              "arrival = \"burst\"\nperiod = " + us(50, 900));
      queue += "ring = \"" + *rc::gen::element<std::string>("gfx", "compute", "sdma") + "\"\n";
      queue += "priority = \"" + *rc::gen::element<std::string>("low", "normal", "high") + "\"\n";
      queue += "length = { exponential = " + us(0, 500);
      queue.back() = ' ';
      queue += "}\n";
      if (i > 0 && *rc::gen::arbitrary<bool>())
        queue += "after = [\"c" + std::to_string(*rc::gen::inRange(0, i)) + ".main\"]\n";
      if (*rc::gen::arbitrary<bool>())
        queue += "[[client.queue.then]]\nfrom = " + us(1, 4000) + "arrival = " +
                 *rc::gen::element<std::string>("\"sync\"\n", "\"async\"\nwait = " + us(20, 300),
                                                "\"periodic\"\nperiod = " + us(50, 900)) +
                 "jobs = " + std::to_string(*rc::gen::inRange(1, 4)) + "\n";
      text += client("c" + std::to_string(i), queue);
    }
    const Scenario scenario = parse_scenario(text, "random");
    for (const std::string_view policy : drv::policy_names()) {
      const auto result = run(scenario, {.policy = std::string(policy)});
      for (const ClientStatistics& one : result.clients) {
        RC_ASSERT(one.submitted == one.finished + one.open);
        RC_ASSERT(one.failed == 0u);
      }
    }
  }));
}

}  // namespace
}  // namespace fakegpu::sim
