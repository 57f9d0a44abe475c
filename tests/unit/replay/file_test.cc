// SPDX-License-Identifier: MIT
// The file of a recording: what is refused, in which line, and that nothing crashes.
#include <gtest/gtest.h>

#include <random>

#include "builder.h"
#include "sim/replay.h"

namespace fakegpu::tests {
namespace {

Builder two_jobs() {
  Builder builder;
  builder.at(2000).entity(10, 1).queue(10, 1).run(10, 1);
  builder.at(3000).queue(10, 2);
  builder.at(5000).done(10, 1).run(10, 2);
  builder.at(6000).done(10, 2);
  return builder;
}

std::string refusal_of_text(const std::string& text) {
  const auto file = read_text(text);
  return file ? "" : file.error().message();
}

std::string refusal(const Builder& builder) {
  const auto script = sim::Script::compile(builder.records());
  return script ? "" : script.error().message();
}

TEST(RecordFile, IsReadAsItWasWritten) {
  Builder builder = two_jobs();
  builder.add(DRM_FAKEGPU_RECORD_URGED, 0, 10, 2, {1, static_cast<uint64_t>(-5), 255, 7});
  builder.add(DRM_FAKEGPU_RECORD_FAILED, 0, 10, 2, {static_cast<uint64_t>(int64_t{-62})});
  const auto file = read_text(builder.text());
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->records.size(), builder.records().size());
  for (size_t i = 0; i < file->records.size(); ++i)
    EXPECT_EQ(std::memcmp(&file->records[i], &builder.records()[i], sizeof(sim::Record)), 0) << i;
}

TEST(RecordFile, SaysWhichLineIsWrong) {
  const std::string text = two_jobs().text();
  EXPECT_EQ(refusal_of_text(""), "line 1: the recording is cut off");
  EXPECT_EQ(refusal_of_text("{}\n"), "line 1: not a recording of fakegpu");
  EXPECT_EQ(refusal_of_text("no json\n"), "line 1: not a recording of fakegpu");
  std::string other = text;
  other.replace(other.find("\"version\":2"), 11, "\"version\":1");
  EXPECT_EQ(refusal_of_text(other), "line 1: a recording of version 1, not 2");
  // Cut off behind any line, and in the middle of one.
  for (size_t end = text.find('\n'), line = 2; end + 1 < text.size();
       end = text.find('\n', end + 1), ++line)
    EXPECT_EQ(refusal_of_text(text.substr(0, end + 1)),
              fmt::format("line {}: the recording is cut off", line));
  EXPECT_EQ(refusal_of_text(text.substr(0, text.find("credits"))), "line 2: no JSON object");
  other = text;
  other.replace(other.find("\"credits\":1"), 11, "\"credits\":-");
  EXPECT_EQ(refusal_of_text(other), "line 2: no JSON object");
  other = text;
  other.replace(other.find("\"credits\":1"), 11, "\"credits\":-1");
  EXPECT_EQ(refusal_of_text(other), "line 2: ring: \"credits\" is missing or out of range");
  other = text;
  other.replace(other.find("\"credits\":1"), 11, "\"credits\":1,\"more\":1");
  EXPECT_EQ(refusal_of_text(other), "line 2: ring: has a member too many");
  other = text;
  other.erase(other.find('\n') + 1, other.find('\n', other.find('\n') + 1) - other.find('\n'));
  EXPECT_NE(refusal_of_text(other).find("records are missing"), std::string::npos);
  EXPECT_EQ(refusal_of_text(text + "{}\n"),
            fmt::format("line {}: after the end", std::count(text.begin(), text.end(), '\n') + 1));
  EXPECT_EQ(refusal_of_text(text.substr(0, text.find('\n') + 1) + std::string(5000, '[') + "\n"),
            "line 2: too long");
}

TEST(RecordFile, RefusesWhatNoDriverTells) {
  EXPECT_EQ(refusal(two_jobs()), "");
  const auto with = [](auto change) {
    Builder builder = two_jobs();
    change(builder);
    return refusal(builder);
  };
  EXPECT_EQ(with([](Builder& b) {
              b.at(5500);
              b.queue(10, 3);
            }),
            "line 11: a section that comes too late");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).queue(11, 1); }), "line 11: no context 11");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).queue(10, 2); }),
            "line 11: a job out of its context's order");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).run(10, 2); }), "line 11: a job that runs twice");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).done(10, 2); }),
            "line 11: a job ends that does not run");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).entity(10, 1); }), "line 11: context 10 again");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).entity(11, 1, 0, 4); }),
            "line 11: an unknown priority");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).entity(11, 1, 1); }), "line 11: no ring 1");
  EXPECT_EQ(with([](Builder& b) { b.at(7000).add(99, 0); }), "line 11: no record of kind 99");
  EXPECT_EQ(with([](Builder& b) {
              b.at(7000).add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 3, {1, 1});
              b.run(10, 3);
            }),
            "line 12: a dependency of the job before is missing");
  EXPECT_EQ(with([](Builder& b) {
              b.at(7000).add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 3, {1, 1});
              b.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 10, 3, {0, 10, 3, 0});
            }),
            "line 12: a job that waits for itself");
  EXPECT_EQ(refusal(Builder(1, 1, "unfair")), "line 3: no policy \"unfair\"");
  EXPECT_EQ(refusal(Builder(0)), "line 2: no rings");
}

TEST(RecordFile, ToleratesGapsWhereRecordsWereLost) {
  Builder builder = two_jobs();
  builder.at(7000).add(DRM_FAKEGPU_RECORD_LOST, 0, 0, 0, {12});
  builder.at(7500).queue(11, 1).run(11, 1).done(11, 1);
  const auto script = sim::Script::compile(builder.records());
  ASSERT_TRUE(script) << script.error().message();
  EXPECT_EQ(script->lost, 12u);
  EXPECT_EQ(script->jobs.size(), 2u);
}

// Whatever the numbers: it is refused, or played to its end.
TEST(RecordFile, NeverCrashesWhoeverWroteIt) {
  std::mt19937_64 random(1);
  size_t played = 0;
  for (int round = 0; round < 1000; ++round) {
    Builder builder = two_jobs();
    builder.add(DRM_FAKEGPU_RECORD_QUEUED, 0, 10, 3, {1, 2});
    builder.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 10, 3, {4, 20, 1, 2});
    builder.add(DRM_FAKEGPU_RECORD_LEAF, 0, 10, 3, {0, 10, 2, 1});
    builder.add(DRM_FAKEGPU_RECORD_LEAF, 0, 10, 3, {2, 21, 1, 1});
    builder.add(DRM_FAKEGPU_RECORD_DEPENDENCY, 0, 10, 3, {2, 22, 1, 0});
    builder.add(DRM_FAKEGPU_RECORD_SIGNALED, 0, 22, 1, {100});
    builder.add(DRM_FAKEGPU_RECORD_BLOCKED, 0, 10, 3);
    builder.add(DRM_FAKEGPU_RECORD_UNBLOCKED, 0, 10);
    builder.run(10, 3);
    builder.add(DRM_FAKEGPU_RECORD_STOPPED, 0);
    builder.add(DRM_FAKEGPU_RECORD_FAILED, 0, 10, 3, {static_cast<uint64_t>(int64_t{-62})});
    builder.add(DRM_FAKEGPU_RECORD_RESTARTED, 0);
    builder.add(DRM_FAKEGPU_RECORD_KILLED, 0, 10);
    builder.add(DRM_FAKEGPU_RECORD_GONE, 0, 10);
    auto& records = builder.records();
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      sim::Record& record = records[random() % records.size()];
      const uint64_t values[] = {0, 1, 2, 3, 10, 255, INT64_MAX, UINT64_MAX, random()};
      const uint64_t value = values[random() % std::size(values)];
      switch (random() % 7) {
        case 0:
          record.kind = static_cast<uint32_t>(value % 22);
          break;
        case 1:
          record.context = value;
          break;
        case 2:
          record.seqno = value;
          break;
        case 3:
          std::swap(record, records[random() % records.size()]);
          break;
        case 4:
          records.erase(records.begin() + static_cast<ptrdiff_t>(random() % records.size()));
          break;
        default:
          record.value[random() % 4] = value;
      }
    }
    if (random() % 4 == 0) builder.add(DRM_FAKEGPU_RECORD_LOST, 0, 0, 0, {1});
    const auto file = read_text(builder.text());
    if (!file) continue;
    const auto script = sim::Script::compile(file->records);
    if (!script) continue;
    for (const bool closed : {false, true})
      EXPECT_TRUE(sim::replay(*script, {.policy = "prepaid", .closed_loop = closed}));
    EXPECT_TRUE(sim::replay(*script, {.stop_at_end = true}));
    ++played;
  }
  EXPECT_GT(played, 50u);
}

}  // namespace
}  // namespace fakegpu::tests
