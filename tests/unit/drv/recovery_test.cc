// SPDX-License-Identifier: MIT
// Hangs and faults: the guilty are found, the innocent run.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

packets::Words hang() {
  return words(packets::pm4::Hang{});
}

TEST(Recovery, AHangEndsWithTheGuiltyContextRefusedAndOthersRunning) {
  VirtualMachine machine;
  Client guilty(machine);
  Client innocent(machine);
  const uint32_t bad = guilty.context();
  const uint32_t good = innocent.context();
  const uint32_t bad_done = guilty.syncobj();
  const uint32_t good_done = innocent.syncobj();
  auto target = innocent.buffer();
  ASSERT_EQ(guilty.submit({.context = bad, .ibs = {guilty.ib(hang())}, .out = {{bad_done, 0, 0}}}),
            0);
  ASSERT_EQ(innocent.submit({.context = good,
                             .ibs = {innocent.ib(write_dword(target.va, 5))},
                             .out = {{good_done, 0, 0}}}),
            0);
  machine.executor().run_for(1'900 * base::kNanosPerMilli);
  EXPECT_EQ(innocent.poll_syncobj(good_done), -ETIME);
  machine.executor().run_for(200 * base::kNanosPerMilli);
  EXPECT_EQ(guilty.poll_syncobj(bad_done), 0);
  EXPECT_EQ(innocent.poll_syncobj(good_done), 0);
  EXPECT_EQ(target.as<uint32_t>()[0], 5u);

  EXPECT_EQ(guilty.submit({.context = bad, .ibs = {}}), -ECANCELED);
  EXPECT_EQ(innocent.submit({.context = good, .ibs = {}}), 0);
  drm_fakegpu_ctx_query query = {};
  query.ctx_id = bad;
  ASSERT_EQ(guilty.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);
  EXPECT_EQ(query.flags, DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
  query = {};
  query.ctx_id = good;
  ASSERT_EQ(innocent.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);
  EXPECT_EQ(query.flags, DRM_FAKEGPU_CTX_RESET);
  EXPECT_EQ(guilty.submit({.context = guilty.context(), .ibs = {}}), 0);
}

TEST(Recovery, ABadPacketIsNoticedAtOnce) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t done = client.syncobj();
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ibs = {client.ib({0xc0007700, 0})},
                           .out = {{done, 0, 0}},
                           .flags = DRM_FAKEGPU_SUBMIT_EVENT}),
            0);
  machine.executor().run_for(10 * base::kNanosPerMilli);
  EXPECT_EQ(client.poll_syncobj(done), 0);
  std::byte bytes[64];
  ASSERT_EQ(client.file().read(1, bytes, true, nullptr), int{sizeof(drm_fakegpu_event_fence)});
  drm_fakegpu_event_fence event;
  std::memcpy(&event, bytes, sizeof(event));
  EXPECT_EQ(event.error, -ETIME);
}

TEST(Recovery, APageFaultCostsOnlyTheOneWhoMadeIt) {
  VirtualMachine machine;
  Client guilty(machine);
  Client innocent(machine);
  auto target = innocent.buffer();
  const uint32_t done = innocent.syncobj();
  ASSERT_EQ(
      guilty.submit({.context = guilty.context(), .ibs = {guilty.ib(write_dword(0x7000'0000, 1))}}),
      0);
  ASSERT_EQ(innocent.submit({.context = innocent.context(),
                             .ibs = {innocent.ib(write_dword(target.va, 9))},
                             .out = {{done, 0, 0}}}),
            0);
  machine.executor().run_for(10 * base::kNanosPerMilli);
  EXPECT_EQ(innocent.poll_syncobj(done), 0);
  EXPECT_EQ(target.as<uint32_t>()[0], 9u);
}

TEST(Recovery, AFaultReportedAfterTheResetBlamesNobodyElse) {
  VirtualMachine machine;
  Client guilty(machine);
  Client innocent(machine);
  ASSERT_TRUE(machine.machine().faults().inject(
      {.name = "late-interrupt", .nth = 1, .duration = 3 * base::kNanosPerSecond}));
  ASSERT_EQ(guilty.submit({.context = guilty.context(), .ibs = {guilty.ib({0xc0007700, 0})}}), 0);
  packets::pm4::Work packet;
  packet.units = 15;
  packet.unit_ns = 100'000'000;
  const uint32_t context = innocent.context();
  ASSERT_EQ(innocent.submit({.context = context,
                             .ibs = {innocent.ib(words(packet))},
                             .flags = DRM_FAKEGPU_SUBMIT_EVENT}),
            0);
  machine.run();
  std::byte bytes[64];
  ASSERT_EQ(innocent.file().read(1, bytes, true, nullptr), int{sizeof(drm_fakegpu_event_fence)});
  drm_fakegpu_event_fence event;
  std::memcpy(&event, bytes, sizeof(event));
  EXPECT_EQ(event.error, 0);
  EXPECT_EQ(innocent.submit({.context = context, .ibs = {}}), 0);
}

TEST(Recovery, ALongJobBehindAnotherIsNotChargedForTheWait) {
  VirtualMachine machine;
  Client client(machine);
  packets::pm4::Work packet;
  packet.units = 15;
  packet.unit_ns = 100'000'000;  // 1.5 s of the allowed 2 s
  const auto ib = client.ib(words(packet));
  uint32_t done[3];
  for (uint32_t& handle : done) {
    handle = client.syncobj();
    ASSERT_EQ(client.submit({.context = client.context(), .ibs = {ib}, .out = {{handle, 0, 0}}}),
              0);
  }
  machine.run();
  drm_fakegpu_ctx_query query = {};
  query.ctx_id = client.context();
  for (const uint32_t handle : done) EXPECT_EQ(client.poll_syncobj(handle), 0);
  ASSERT_EQ(client.submit({.context = query.ctx_id, .ibs = {}}), 0);
}

}  // namespace
}  // namespace fakegpu::tests
