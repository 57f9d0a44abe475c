// SPDX-License-Identifier: MIT
// What a recording begins with: a replay goes on from it, and whatever a file says of it is refused
// or played.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "builder.h"
#include "sim/replay.h"
#include "support/recorded_clients.h"

namespace fakegpu::tests {
namespace {

using sim::Record;

std::string refusal(const Builder& builder) {
  const auto script = sim::Script::compile(builder.records());
  return script ? "" : script.error().message();
}

// At 1000 ns one job is on the ring, and another waits behind it.
Builder at_work(std::string_view policy = "fifo") {
  Builder builder(1, 1, policy);
  builder.entity(10, 1);
  builder.add(DRM_FAKEGPU_RECORD_ACCOUNT, 0, 10, 7, {5, 400, 2000, 0});
  builder.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 6, {1, 0, 1, 300});
  builder.add(DRM_FAKEGPU_RECORD_RUN, 0, 10, 6, {0, 1, 500});
  builder.add(DRM_FAKEGPU_RECORD_CHARGE, 0, 10, 6, {400, 0, 0, 0});
  builder.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 7, {1, 0, 1, 700});
  return builder;
}

Builder worked() {
  Builder builder = at_work();
  builder.at(2000).done(10, 6).run(10, 7);
  builder.at(2600).queue(10, 8);
  builder.at(3000).done(10, 7).run(10, 8);
  builder.at(3500).done(10, 8);
  return builder;
}

TEST(Beginning, IsGoneOnFromWithWhatWasOnTheRingAndInTheQueue) {
  const auto script = sim::Script::compile(worked().records());
  ASSERT_TRUE(script) << script.error().message();
  const auto result = sim::replay(*script, {});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(sim::first_difference(*script, *result), "");
  EXPECT_EQ(result->jobs[0].queued, 300);
  EXPECT_EQ(result->jobs[0].started, 500);
  EXPECT_EQ(result->jobs[0].ended, 2000);
  EXPECT_EQ(result->jobs[1].queued, 700);
  EXPECT_EQ(result->jobs[1].started, 2000);
  EXPECT_EQ(result->rings[0].runs.size(), 2u) << "one had started before";
  EXPECT_EQ(result->end, 3500);
}

TEST(Beginning, IsGoneOnFromUnderOtherPoliciesAndOnOtherRings) {
  const auto script = sim::Script::compile(worked().records());
  for (const std::string_view policy : sched::policy_names()) {
    const auto result = sim::replay(*script, {.policy = std::string(policy)});
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(sim::first_difference(*script, *result), "") << "there is nothing to choose";
  }
  sim::ReplaySettings settings{.credits = 4};
  settings.rings[DRM_FAKEGPU_RING_COMPUTE] = 2;
  const auto result = sim::replay(*script, settings);
  ASSERT_TRUE(result) << result.error().message();
  for (const sim::ReplayedJob& job : result->jobs) EXPECT_GT(job.finished, 0);
  EXPECT_EQ(result->jobs[1].started, 1000);
}

TEST(Beginning, TellsOfJobsThatOutliveTheirContextAndOfThoseThatWaitForThem) {
  Builder builder;
  builder.add(DRM_FAKEGPU_RECORD_ENTITY, 0, 20, 0, {2, 2});
  builder.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 20, 1, {1, 1, 1, 800});
  builder.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 20, 1, {0, 30, 4});
  builder.add(DRM_FAKEGPU_RECORD_ENTITY, 0, 30, 0, {2, 3, 1});
  builder.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 30, 4, {1, 1, 1, 600});
  builder.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 30, 4, {2, 99, 1});
  builder.add(DRM_FAKEGPU_RECORD_ENDED, 0, 30, 4, {900, static_cast<uint64_t>(-3), 0, 0});
  builder.at(4000).add(DRM_FAKEGPU_RECORD_SIGNALED, 0, 99, 1, {4000});
  builder.run(20, 1);
  builder.at(5000).done(20, 1);
  const auto script = sim::Script::compile(builder.records());
  ASSERT_TRUE(script) << script.error().message();
  const auto result = sim::replay(*script, {});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(sim::first_difference(*script, *result), "");
  EXPECT_TRUE(result->jobs[1].refused);
  EXPECT_EQ(result->jobs[0].started, 4000);
}

TEST(Beginning, RefusesWhatNoDriverTells) {
  EXPECT_EQ(refusal(worked()), "");
  const auto with = [](auto change) {
    Builder builder = at_work();
    change(builder);
    return refusal(builder);
  };
  EXPECT_EQ(with([](Builder& b) { b.run(10, 7); }), "line 10: a start of the beginning, or not");
  EXPECT_EQ(with([](Builder& b) { b.queue(10, 8); }), "line 10: a job of the beginning, or not");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 7, {1, 0, 1, 700});
            }),
            "line 10: a job out of its context's order");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 8, {1, 0, 1, 1001});
            }),
            "line 10: a job that was pushed later");
  EXPECT_EQ(with([](Builder& b) {
              b.at(2000).add(DRM_FAKEGPU_RECORD_TOTALS, 0, 0, 0, {1, 1, 1});
            }),
            "line 10: told of the beginning too late");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_TOTALS, 0, 0, 0, {1, 1, 1001});
            }),
            "line 10: totals that cannot be");
  EXPECT_EQ(with([](Builder& b) { b.add(DRM_FAKEGPU_RECORD_ACCOUNT, 0, 11, 0, {1}); }),
            "line 10: no context 11");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_ACCOUNT, 0, 10, 0, {1, UINT64_MAX});
            }),
            "line 10: an account that cannot be");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_LIFT, 0, 10, 7, {1, 0, 4});
            }),
            "line 10: a lift that cannot be");
  EXPECT_EQ(with([](Builder& b) { b.add(DRM_FAKEGPU_RECORD_CHARGE, 0, 10, 9); }),
            "line 10: no job 10:9");
  EXPECT_EQ(with([](Builder& b) { b.add(DRM_FAKEGPU_RECORD_CHARGE, 0, 10, 7, {UINT64_MAX}); }),
            "line 10: a charge that cannot be");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_ENDED, 0, 10, 6, {900, 0, 500, 1});
            }),
            "line 10: an end that cannot be");
  EXPECT_EQ(with([](Builder& b) { b.add(DRM_FAKEGPU_RECORD_BLOCKED, 0, 10, 6); }),
            "line 10: blocked out of turn");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 8, {1, 0, 1, 700});
              b.add(DRM_FAKEGPU_RECORD_ENDED, 0, 10, 8, {900, 0, 800, 1});
            }),
            "line 12: a job that overtook another of its context");
  EXPECT_EQ(with([](Builder& b) {
              b.add(DRM_FAKEGPU_RECORD_ENTITY, 0, 20, 0, {2, 2, 1});
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 20, 1, {1, 0, 1, 700});
            }),
            "line 12: a job in the queue of nobody");
  EXPECT_EQ(with([](Builder& b) {
              b.entity(20, 2);
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 20, 1, {1, 1, 1, 700});
              b.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 20, 1, {0, 10, 8});
              b.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 8, {1, 1, 1, 700});
              b.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 10, 8, {1, 20, 1});
            }),
            "line 15: jobs that wait for each other");
}

// Of a device that had worked for a while.
std::vector<Record> late_recording(std::string_view policy, uint64_t seed) {
  base::VirtualExecutor executor(seed, base::kNanosPerSecond);
  drv::Options options;
  options.policy = policy;
  options.hw_submission = 2;
  RecordedDevice device(std::move(options), executor, executor);
  std::mt19937_64 random(seed);
  std::vector<Record> records;
  {
    Shared shared;
    shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
    std::vector<std::unique_ptr<RandomClient>> clients;
    for (int i = 0; i < 4; ++i)
      clients.push_back(
          std::make_unique<RandomClient>(device, shared, random(), RandomClient::Habits{}));
    for (int step = 0; step < 120; ++step) {
      if (step == 80) device.start_recording();
      clients[random() % clients.size()]->step();
      if (step % 3 == 0) executor.run_for(static_cast<base::Nanos>(random() % 40'000));
    }
    records = device.take();
    device.stop_recording();
    clients.clear();
    for (const int32_t fd : shared.syncobjs) shared.table.close(fd);
    shared.table.close(shared.bo);
    shared.timeline.reset();
  }
  device.device().shutdown();
  executor.run();
  return records;
}

void change(std::vector<Record>& records, std::mt19937_64& random) {
  // Mostly those of the beginning.
  const auto later = std::ranges::find_if(
      records, [&](const Record& record) { return record.section != records[0].section; });
  const auto beginning = static_cast<size_t>(later - records.begin());
  const size_t at = random() % (random() % 8 ? beginning : records.size());
  const uint64_t values[] = {
      0,       1, 2, 7, UINT32_MAX, uint64_t{1} << 45, INT64_MAX, UINT64_MAX, uint64_t{1} << 61,
      random()};
  const uint64_t value = values[random() % std::size(values)];
  switch (random() % 8) {
    case 0:
      records.erase(records.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 1:
      records.insert(records.begin() + static_cast<ptrdiff_t>(at), records[at]);
      break;
    case 2:
      std::swap(records[at], records[random() % beginning]);
      break;
    case 3:
      records[at].seqno = value;
      break;
    default:
      records[at].value[random() % 4] = value;
  }
}

TEST(Beginning, NeverCrashesAPolicyWhoeverWroteIt) {
  std::mt19937_64 random(1);
  size_t refused = 0;
  for (const std::string_view policy : sched::policy_names()) {
    const std::vector<Record> records = late_recording(policy, random());
    size_t played = 0;
    for (int round = 0; round < 120; ++round) {
      Builder builder(0);
      builder.records() = records;
      for (uint64_t changes = round == 0 ? 0 : 1 + random() % 3; changes > 0; --changes)
        change(builder.records(), random);
      const auto file = read_text(builder.text());
      if (!file) continue;
      const auto script = sim::Script::compile(file->records);
      if (!script) continue;
      const auto result = sim::replay(*script, {.stop_at_end = true});
      if (round == 0) {
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(sim::first_difference(*script, *result), "");
      }
      if (!result) {
        EXPECT_NE(result.error().message().find(policy), std::string::npos)
            << result.error().message();
        ++refused;
        continue;
      }
      ++played;
      EXPECT_TRUE(sim::replay(*script, {.policy = "edf", .closed_loop = true}));
    }
    EXPECT_GT(played, 12u) << policy;
  }
  EXPECT_GT(refused, 4u);
}

}  // namespace
}  // namespace fakegpu::tests
