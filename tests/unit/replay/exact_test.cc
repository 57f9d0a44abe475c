// SPDX-License-Identifier: MIT
// A recording, played with the settings it was made with, is what was recorded: each ring is given
// the same jobs in the same order at the same nanosecond. FAKEGPU_PROGRAM_SEED=N runs one program.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "base/real_executor.h"
#include "sim/replay.h"
#include "support/recorded_clients.h"

namespace fakegpu::tests {
namespace {

using sim::Record;

std::string as_file(const std::vector<Record>& records) {
  std::string text = sim::record_header_line("test");
  for (const Record& record : records) text += sim::record_line(record);
  return text + sim::record_end_line(records.size(), sim::lost_of(records));
}

struct Counts {
  size_t runs = 0;
  std::map<uint32_t, size_t> records;  // by kind
};

// Writes, reads and plays it.
void expect_exact(const std::vector<Record>& records, Counts& counts) {
  std::istringstream in(as_file(records));
  const auto file = sim::read_record_file(in);
  ASSERT_TRUE(file) << file.error().message();
  const auto script = sim::Script::compile(file->records);
  ASSERT_TRUE(script) << script.error().message();
  EXPECT_EQ(script->lost, 0u);
  EXPECT_TRUE(script->fresh);
  const auto result = sim::replay(*script, {.stop_at_end = true});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(sim::first_difference(*script, *result), "");
  for (const auto& ring : script->runs) counts.runs += ring.size();
  for (const Record& record : records) ++counts.records[record.kind];
  if (const char* to = std::getenv("FAKEGPU_KEEP_RECORDING"); to && testing::Test::HasFailure()) {
    if (FILE* out = std::fopen(to, "w")) {
      const std::string text = as_file(records);
      std::fwrite(text.data(), 1, text.size(), out);
      std::fclose(out);
    }
  }
}

void run_program(uint64_t seed, Counts& counts) {
  std::mt19937_64 random(seed);
  base::VirtualExecutor executor(seed, base::kNanosPerSecond);
  drv::Options options;
  const auto names = sched::policy_names();
  options.policy = names[random() % names.size()];
  // In some, more address spaces than there are VMIDs.
  const bool crowded = random() % 4 == 0;
  const size_t many = crowded ? 30 : 1 + random() % 6;
  options.hw_submission = crowded ? 16 : 1 + static_cast<unsigned>(random() % 6);
  options.queue_time = crowded || random() % 3 == 0 ? 0 : 100 * base::kNanosPerMicro;
  constexpr base::Nanos kTimeout = 3 * base::kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  RecordedDevice device(std::move(options), executor, executor);
  device.start_recording();
  std::vector<Record> records;
  {
    Shared shared;
    shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
    const RandomClient::Habits habits{.hangs = random() % 2 == 0, .switches = random() % 2 == 0};
    std::vector<std::unique_ptr<RandomClient>> clients;
    for (size_t i = 0; i < many; ++i)
      clients.push_back(std::make_unique<RandomClient>(device, shared, random(), habits));
    for (int step = 0; step < 400; ++step) {
      RandomClient& client = *clients[random() % clients.size()];
      if (random() % 100 == 0) {
        client.open();
      } else {
        client.step();
      }
      if (random() % 3 == 0)
        executor.run_for(static_cast<base::Nanos>(random() % (crowded ? 10'000 : 60'000)));
    }
    if (random() % 2) executor.run_for(20 * base::kNanosPerMilli);
    records = device.take();
    clients.clear();
    const auto more = device.take();
    records.insert(records.end(), more.begin(), more.end());
    device.stop_recording();
    for (const int32_t fd : shared.syncobjs) shared.table.close(fd);
    shared.table.close(shared.bo);
    shared.timeline.reset();
  }
  expect_exact(records, counts);
  device.device().shutdown();
  executor.run();
}

TEST(ExactReplay, OfRandomProgramsUnderVirtualTime) {
  Counts counts;
  if (const char* seed = std::getenv("FAKEGPU_PROGRAM_SEED")) {
    run_program(std::strtoull(seed, nullptr, 0), counts);
    return;
  }
  for (uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("FAKEGPU_PROGRAM_SEED={}", seed));
    run_program(seed, counts);
  }
  EXPECT_GT(counts.runs, 3'000u);
  // Otherwise nothing was shown about them.
  for (uint32_t kind = DRM_FAKEGPU_RECORD_RING; kind < DRM_FAKEGPU_RECORD_LOST; ++kind)
    EXPECT_GT(counts.records[kind], 5u) << "kind " << kind;
}

void run_threads(uint64_t seed, base::Nanos length, Counts& counts) {
  std::mt19937_64 random(seed);
  base::MonotonicClock clock;
  base::RealExecutor executor(2);
  drv::Options options;
  const auto names = sched::policy_names();
  options.policy = names[random() % names.size()];
  constexpr base::Nanos kTimeout = 20 * base::kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  hw::Profile profile = small_profile();
  profile.cost = hw::CostModel::measured();
  RecordedDevice device(std::move(options), clock, executor, profile);
  device.start_recording();
  std::vector<Record> records;
  {
    Shared shared;
    shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
    std::vector<std::unique_ptr<RandomClient>> clients;
    for (size_t i = 0; i < 6; ++i)
      clients.push_back(std::make_unique<RandomClient>(
          device, shared, random(), RandomClient::Habits{.hangs = i == 0, .switches = i == 1}));
    const base::Nanos end = clock.now() + length;
    std::vector<std::thread> threads;
    for (const auto& client : clients)
      threads.emplace_back([&client, &clock, end] {
        while (clock.now() < end) {
          client->step();
          if (client->pick(8) == 0) std::this_thread::yield();
        }
      });
    for (std::thread& thread : threads) thread.join();
    records = device.take();
    clients.clear();
    const auto more = device.take();
    records.insert(records.end(), more.begin(), more.end());
    device.stop_recording();
    for (const int32_t fd : shared.syncobjs) shared.table.close(fd);
    shared.table.close(shared.bo);
    shared.timeline.reset();
  }
  device.device().shutdown();
  executor.stop();
  expect_exact(records, counts);
}

TEST(ExactReplay, OfThreadsInRealTime) {
  Counts counts;
  run_threads(std::random_device{}(), base::kNanosPerSecond / 2, counts);
  EXPECT_GT(counts.runs, 200u);
  for (const uint32_t kind : {DRM_FAKEGPU_RECORD_URGED, DRM_FAKEGPU_RECORD_PRIORITY,
                              DRM_FAKEGPU_RECORD_KILLED, DRM_FAKEGPU_RECORD_POLICY})
    EXPECT_GT(counts.records[kind], 0u) << "kind " << kind;
}

}  // namespace
}  // namespace fakegpu::tests
