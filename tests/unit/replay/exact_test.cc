// SPDX-License-Identifier: MIT
// A recording, played with the settings it was made with, is what was recorded: each ring is given
// the same jobs in the same order at the same nanosecond. FAKEGPU_PROGRAM_SEED=N runs one program.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <rapidcheck.h>

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
  size_t waits = 0;                    // submissions
  std::map<uint32_t, size_t> records;  // by kind
};

// Writes, reads and plays it. Empty, or what is not as it was.
std::string play(const std::string& text, const std::vector<Record>& records, Counts& counts) {
  std::istringstream in(text);
  const auto file = sim::read_record_file(in);
  if (!file) return file.error().message();
  const auto script = sim::Script::compile(file->records);
  if (!script) return script.error().message();
  if (script->lost > 0) return "records were lost";
  const auto result = sim::replay(*script, {.stop_at_end = true});
  if (!result) return result.error().message();
  for (const auto& ring : script->runs) counts.runs += ring.size();
  for (const Record& record : records) ++counts.records[record.kind];
  return sim::first_difference(*script, *result);
}

// FAKEGPU_KEEP_RECORDING=FILE keeps the last that is not.
std::string difference_in(const std::vector<Record>& records, Counts& counts) {
  const std::string text = as_file(records);
  std::string difference = play(text, records, counts);
  const char* const to = std::getenv("FAKEGPU_KEEP_RECORDING");
  if (to && !difference.empty()) std::ofstream(to) << text;
  return difference;
}

// `late`: the recording begins somewhere in the middle. Gives what is not replayed as it was.
std::string run_program(uint64_t seed, std::string_view policy, bool late, Counts& counts) {
  std::mt19937_64 random(seed);
  base::VirtualExecutor executor(seed, base::kNanosPerSecond);
  drv::Options options;
  options.policy = policy;
  // In some, more address spaces than there are VMIDs.
  const bool crowded = random() % 4 == 0;
  const size_t many = crowded ? 30 : 1 + random() % 6;
  options.hw_submission = crowded ? 16 : 1 + static_cast<unsigned>(random() % 6);
  options.queue_time = crowded || random() % 3 == 0 ? 0 : 100 * base::kNanosPerMicro;
  if (random() % 3 == 0) options.entity_jobs = 1 + static_cast<unsigned>(random() % 3);
  constexpr base::Nanos kTimeout = 3 * base::kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  RecordedDevice device(std::move(options), executor, executor);
  const int begin = late ? static_cast<int>(random() % 350) : 0;
  if (!late) device.start_recording();
  std::vector<Record> records;
  {
    Shared shared;
    shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
    const RandomClient::Habits habits{.hangs = random() % 2 == 0, .switches = random() % 2 == 0};
    std::vector<std::unique_ptr<RandomClient>> clients;
    for (size_t i = 0; i < many; ++i)
      clients.push_back(std::make_unique<RandomClient>(device, shared, random(), habits));
    for (int step = 0; step < 400; ++step) {
      if (late && step == begin) device.start_recording();
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
    for (const auto& client : clients) counts.waits += client->waits();
    clients.clear();
    const auto more = device.take();
    records.insert(records.end(), more.begin(), more.end());
    device.stop_recording();
    for (const int32_t fd : shared.syncobjs) shared.table.close(fd);
    shared.table.close(shared.bo);
    shared.timeline.reset();
  }
  device.device().shutdown();
  executor.run();
  return difference_in(records, counts);
}

std::string_view policy_by(uint64_t number) {
  const auto names = sched::policy_names();
  return names[number % names.size()];
}

TEST(ExactReplay, OfRandomProgramsUnderVirtualTime) {
  Counts counts;
  if (const char* given = std::getenv("FAKEGPU_PROGRAM_SEED")) {
    const uint64_t seed = std::strtoull(given, nullptr, 0);
    ASSERT_EQ(run_program(seed, policy_by(seed), false, counts), "");
    return;
  }
  for (uint64_t seed = 1; seed <= 40; ++seed)
    ASSERT_EQ(run_program(seed, policy_by(seed), false, counts), "")
        << "FAKEGPU_PROGRAM_SEED=" << seed;
  EXPECT_GT(counts.runs, 3'000u);
  EXPECT_GT(counts.waits, 30u);
  // Otherwise nothing was shown about them.
  for (uint32_t kind = DRM_FAKEGPU_RECORD_RING; kind < DRM_FAKEGPU_RECORD_LOST; ++kind)
    EXPECT_GT(counts.records[kind], 5u) << "kind " << kind;
}

TEST(ExactReplay, OfRecordingsThatBeginInTheMiddle) {
  Counts counts;
  uint64_t programs = 0;
  EXPECT_TRUE(rc::check([&] {
    const auto seed = *rc::gen::noShrink(rc::gen::arbitrary<uint64_t>());
    RC_ASSERT(run_program(seed, policy_by(programs++), true, counts) == "");
  }));
  EXPECT_GT(counts.runs, 3'000u);
  EXPECT_GT(counts.waits, 30u);
  for (uint32_t kind = DRM_FAKEGPU_RECORD_TOTALS; kind <= DRM_FAKEGPU_RECORD_MEMORY; ++kind)
    EXPECT_GT(counts.records[kind], 5u) << "kind " << kind;
}

// Now and then records are lost: what is left is played to an end, and said not to be whole.
TEST(ExactReplay, IsNotClaimedWhereRecordsWereLost) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    base::VirtualExecutor executor(seed, base::kNanosPerSecond);
    RecordedDevice device({}, executor, executor);
    std::vector<Record> records;
    {
      Shared shared;
      shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
      std::vector<std::unique_ptr<RandomClient>> clients;
      for (int i = 0; i < 3; ++i)
        clients.push_back(
            std::make_unique<RandomClient>(device, shared, random(), RandomClient::Habits{}));
      device.start_recording(64);
      for (int step = 0; step < 300; ++step) {
        clients[random() % clients.size()]->step();
        executor.run_for(static_cast<base::Nanos>(random() % 40'000));
        if (random() % 40 != 0) continue;
        const auto some = device.take();
        records.insert(records.end(), some.begin(), some.end());
      }
      const auto more = device.take();
      records.insert(records.end(), more.begin(), more.end());
      device.stop_recording();
      clients.clear();
      for (const int32_t fd : shared.syncobjs) shared.table.close(fd);
      shared.table.close(shared.bo);
      shared.timeline.reset();
    }
    Counts counts;
    EXPECT_EQ(difference_in(records, counts), "records were lost");
    const auto script = sim::Script::compile(records);
    ASSERT_TRUE(script) << script.error().message();
    EXPECT_TRUE(sim::replay(*script, {}));
    device.device().shutdown();
    executor.run();
  }
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
  std::vector<Record> records;
  {
    Shared shared;
    shared.timeline = std::make_unique<drv::SwSyncFile>(device.device(), "test");
    std::vector<std::unique_ptr<RandomClient>> clients;
    for (size_t i = 0; i < 6; ++i)
      clients.push_back(std::make_unique<RandomClient>(
          device, shared, random(), RandomClient::Habits{.hangs = i == 0, .switches = i == 1}));
    const auto run_for = [&clients, &clock](base::Nanos span) {
      const base::Nanos end = clock.now() + span;
      std::vector<std::thread> threads;
      for (const auto& client : clients)
        threads.emplace_back([&client, &clock, end] {
          while (clock.now() < end) {
            client->step();
            if (client->pick(8) == 0) std::this_thread::yield();
          }
        });
      for (std::thread& thread : threads) thread.join();
    };
    // What they leave behind is still under way.
    run_for(length / 4);
    device.start_recording();
    run_for(length);
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
  EXPECT_EQ(difference_in(records, counts), "");
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
