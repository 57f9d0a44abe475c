// SPDX-License-Identifier: MIT
// DRM_IOCTL_FAKEGPU_RECORD: who may, what comes, and what is lost.
#include <poll.h>

#include "drv/file.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kOwner = 1000;
constexpr uint32_t kStranger = 1001;

int start(Client& client, uint32_t capacity = 0, uint32_t flags = 0) {
  drm_fakegpu_record arg = {flags, capacity};
  return client.call(DRM_IOCTL_FAKEGPU_RECORD, arg);
}

std::vector<drm_fakegpu_event_record> take(Client& client, size_t most = 4096) {
  std::vector<drm_fakegpu_event_record> records(most);
  const auto got = client.file().read(1, std::as_writable_bytes(std::span(records)), true, nullptr);
  EXPECT_TRUE(got);
  records.resize(got && *got > 0 ? static_cast<size_t>(*got) / sizeof(records[0]) : 0);
  return records;
}

std::vector<uint32_t> kinds(const std::vector<drm_fakegpu_event_record>& records) {
  std::vector<uint32_t> kinds;
  for (const auto& record : records) kinds.push_back(record.kind);
  return kinds;
}

void submit(Client& client, uint32_t context) {
  ASSERT_EQ(client.submit({.context = context, .ibs = {client.ib(write_dword(0x100000, 1))}}), 0);
}

TEST(Record, IsForRootAndTheDaemonsUser) {
  VirtualMachine machine(1, {.owner_uid = kOwner});
  Client root(machine, {1, 0, 0});
  Client owner(machine, {1, kOwner, kOwner});
  Client stranger(machine, {1, kStranger, kStranger});
  EXPECT_EQ(start(root), 0);
  EXPECT_EQ(start(owner), 0);
  EXPECT_EQ(start(stranger), -EACCES);
  EXPECT_TRUE(take(stranger).empty());
}

TEST(Record, RefusesFlagsSizesAndASecondTime) {
  VirtualMachine machine;
  Client client(machine);
  EXPECT_EQ(start(client, 0, 1), -EINVAL);
  EXPECT_EQ(start(client, 1), -EINVAL);
  EXPECT_EQ(start(client, (1u << 20) + 1), -EINVAL);
  EXPECT_EQ(start(client, 1u << 20), 0);
  EXPECT_EQ(start(client), -EBUSY);
}

TEST(Record, BeginsWithTheRingsAndTellsOfAJobsWholeLife) {
  VirtualMachine machine;
  Client recorder(machine);
  ASSERT_EQ(start(recorder), 0);
  const auto before = take(recorder);
  ASSERT_GE(before.size(), 21u) << "of each ring itself, its policy and its totals";
  for (const auto& record : before) {
    EXPECT_EQ(record.base.type, DRM_FAKEGPU_EVENT_RECORD);
    EXPECT_EQ(record.base.length, sizeof(record));
    EXPECT_EQ(record.section, before[0].section);
  }
  EXPECT_STREQ(reinterpret_cast<const char*>(before[1].value), "prepaid");

  Client client(machine);
  submit(client, client.context());
  const base::Nanos at = machine.now();
  const auto submission = take(recorder);
  EXPECT_EQ(kinds(submission),
            (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_ENTITY, DRM_FAKEGPU_RECORD_QUEUED,
                                   DRM_FAKEGPU_RECORD_RUN}));
  for (const auto& record : submission) {
    EXPECT_GT(record.section, before[0].section);
    EXPECT_EQ(record.section, submission[0].section);
    EXPECT_EQ(record.time_ns, at);
  }
  machine.run();
  const auto end = take(recorder);
  ASSERT_EQ(kinds(end), (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_DONE}));
  EXPECT_GT(end[0].section, submission[0].section);
  EXPECT_EQ(end[0].context, submission[1].context);
  client.close();
  EXPECT_EQ(kinds(take(recorder)),
            (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_KILLED, DRM_FAKEGPU_RECORD_GONE}));
}

TEST(Record, TellsWhatWasThereBeforeAndWhatIsRemembered) {
  VirtualMachine machine(1, {.hw_submission = 1});
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context);
  machine.run();
  submit(client, context);
  submit(client, context);
  Client recorder(machine);
  ASSERT_EQ(start(recorder), 0);
  const auto records = take(recorder);
  std::vector<uint32_t> of_jobs;
  for (const auto& record : records) {
    if (record.ring != 0) continue;
    if (record.kind == DRM_FAKEGPU_RECORD_RING) {
      EXPECT_EQ(record.value[3], 0u);
    }
    if (record.kind == DRM_FAKEGPU_RECORD_TOTALS || record.kind == DRM_FAKEGPU_RECORD_ACCOUNT) {
      EXPECT_EQ(record.value[0], 1u) << "that has completed";
      EXPECT_GT(record.value[1], 0u) << "its length";
    }
    if (record.context != 0 && record.kind != DRM_FAKEGPU_RECORD_MEMORY)
      of_jobs.push_back(record.kind);
    if (record.kind == DRM_FAKEGPU_RECORD_QUEUED) {
      EXPECT_EQ(record.value[2], 1u);
    }
  }
  EXPECT_EQ(of_jobs, (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_ENTITY, DRM_FAKEGPU_RECORD_ACCOUNT,
                                            DRM_FAKEGPU_RECORD_QUEUED, DRM_FAKEGPU_RECORD_RUN,
                                            DRM_FAKEGPU_RECORD_CHARGE, DRM_FAKEGPU_RECORD_QUEUED,
                                            DRM_FAKEGPU_RECORD_CHARGE}));
}

TEST(Record, TellsWhoseTheJobsWereThatOutliveTheirContext) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context);
  drm_fakegpu_ctx_destroy arg = {context, 0};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), 0);
  Client recorder(machine);
  ASSERT_EQ(start(recorder), 0);
  size_t gone = 0;
  for (const auto& record : take(recorder))
    if (record.kind == DRM_FAKEGPU_RECORD_ENTITY) gone += record.value[2];
  EXPECT_EQ(gone, 1u);
  machine.run();
}

TEST(Record, SaysHowMuchWasLost) {
  VirtualMachine machine;
  Client recorder(machine);
  ASSERT_EQ(start(recorder, 2), 0);
  Client client(machine);
  const uint32_t context = client.context();
  for (int i = 0; i < 4; ++i) submit(client, context);
  machine.run();
  // There is room for the start, and of the entity and four jobs' three each for two. Nothing came
  // after them, and it is told all the same.
  const auto records = take(recorder);
  ASSERT_GT(records.size(), 3u);
  EXPECT_EQ(records[records.size() - 4].section, records[0].section);
  EXPECT_EQ(records[records.size() - 3].kind, uint32_t{DRM_FAKEGPU_RECORD_ENTITY});
  EXPECT_EQ(records.back().kind, uint32_t{DRM_FAKEGPU_RECORD_LOST});
  EXPECT_EQ(records.back().value[0], 11u);
  submit(client, context);
  EXPECT_EQ(kinds(take(recorder)),
            (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_QUEUED, DRM_FAKEGPU_RECORD_RUN}));
}

TEST(Record, SaysHowMuchWasLostWhereItWasLost) {
  VirtualMachine machine;
  Client recorder(machine);
  ASSERT_EQ(start(recorder, 4), 0);
  take(recorder);
  Client client(machine);
  const uint32_t context = client.context();
  for (int i = 0; i < 2; ++i) submit(client, context);
  machine.run();
  // Of seven. Room for two is made, and what comes then is behind the gap.
  EXPECT_EQ(take(recorder, 2).size(), 2u);
  submit(client, context);
  EXPECT_EQ(kinds(take(recorder)),
            (std::vector<uint32_t>{DRM_FAKEGPU_RECORD_RUN, DRM_FAKEGPU_RECORD_QUEUED,
                                   DRM_FAKEGPU_RECORD_LOST, DRM_FAKEGPU_RECORD_QUEUED,
                                   DRM_FAKEGPU_RECORD_LOST}));
}

// The start, then what came after it.
TEST(Record, IsReadInItsOrderInPiecesOfAnySize) {
  std::vector<std::vector<uint32_t>> read;
  for (const size_t most : {1u, 3u, 4096u}) {
    VirtualMachine machine;
    Client recorder(machine);
    ASSERT_EQ(start(recorder, 64), 0);
    Client client(machine);
    const uint32_t context = client.context();
    std::vector<uint32_t>& all = read.emplace_back();
    uint64_t section = 0;
    // More than it has room for, so that it goes round.
    for (int i = 0; i < 40; ++i) {
      submit(client, context);
      machine.run();
      for (auto some = take(recorder, most); !some.empty(); some = take(recorder, most)) {
        EXPECT_LE(some.size(), most);
        for (const auto& record : some) {
          EXPECT_GE(record.section, section);
          section = record.section;
          all.push_back(record.kind);
        }
      }
    }
  }
  EXPECT_GT(read[0].size(), 120u);
  EXPECT_EQ(read[0], read[2]);
  EXPECT_EQ(read[1], read[2]);
}

TEST(Record, WakesWhoPollsOrReadsAtTheEndOfASection) {
  VirtualMachine machine;
  Client recorder(machine);
  ASSERT_EQ(start(recorder), 0);
  EXPECT_EQ(recorder.file().poll(nullptr), POLLIN | POLLRDNORM);
  take(recorder);
  int woken = 0;
  EXPECT_EQ(recorder.file().poll([&] { ++woken; }), 0);
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context);
  EXPECT_EQ(woken, 1);
  take(recorder);
  std::vector<std::byte> bytes(4096);
  int got = 0;
  EXPECT_FALSE(recorder.file().read(7, bytes, false,
                                    [&](int result, std::span<const std::byte>) { got = result; }));
  machine.run();
  EXPECT_EQ(got, int{sizeof(drm_fakegpu_event_record)});
}

TEST(Record, EndsWithItsFileAndLeavesOthersAlone) {
  VirtualMachine machine;
  Client first(machine);
  Client second(machine);
  ASSERT_EQ(start(first), 0);
  ASSERT_EQ(start(second), 0);
  take(first);
  take(second);
  first.close();
  Client client(machine);
  submit(client, client.context());
  machine.run();
  EXPECT_EQ(take(second).size(), 4u);
  second.close();
  submit(client, client.context());
  machine.run();
}

}  // namespace
}  // namespace fakegpu::tests
