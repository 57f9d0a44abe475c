// SPDX-License-Identifier: MIT
// From an ioctl to a signalled fence, under virtual time.
#include <poll.h>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kGfx = 0;
constexpr uint32_t kCompute = 1;
constexpr uint32_t kSdma = 5;

packets::Words work(uint32_t units, uint32_t unit_ns) {
  packets::pm4::Work packet;
  packet.units = units;
  packet.unit_ns = unit_ns;
  return words(packet);
}

TEST(Submit, WritesMemoryAndSignalsTheOutSyncobj) {
  VirtualMachine machine;
  Client client(machine);
  auto target = client.buffer();
  const uint32_t done = client.syncobj();
  uint64_t seqno = 0;
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ibs = {client.ib(write_dword(target.va + 8, 0x1234))},
                           .out = {{done, 0, 0}}},
                          &seqno),
            0);
  EXPECT_EQ(seqno, 1u);
  EXPECT_EQ(client.poll_syncobj(done), -ETIME);
  machine.run();
  EXPECT_EQ(client.poll_syncobj(done), 0);
  EXPECT_EQ(target.as<uint32_t>()[2], 0x1234u);
}

TEST(Submit, AnEmptySubmissionSignalsAfterWhatItWaitsFor) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t produced = client.syncobj();
  const uint32_t joined = client.syncobj();
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ibs = {client.ib(work(1, 1'000'000))},
                           .out = {{produced, 0, 0}}}),
            0);
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ibs = {},
                           .in = {{produced, 0, 0}},
                           .out = {{joined, 0, 0}}}),
            0);
  machine.executor().run_for(500'000);
  EXPECT_EQ(client.poll_syncobj(joined), -ETIME);
  machine.run();
  EXPECT_EQ(client.poll_syncobj(joined), 0);
}

TEST(Submit, RunsOnEveryRing) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  auto target = client.buffer();
  for (uint32_t ring = 0; ring < 7; ++ring) {
    const uint32_t value = 100 + ring;
    packets::Words ib;
    if (ring >= kSdma) {
      packets::sdma::WriteLinear write;
      write.destination = target.va + 4 * ring;
      write.data = {&value, 1};
      ib = words(write);
    } else {
      ib = write_dword(target.va + 4 * ring, value);
    }
    ASSERT_EQ(
        client.submit({.context = context, .ring = ring, .ibs = {client.ib(ib, ring >= kSdma)}}),
        0);
  }
  machine.run();
  for (uint32_t ring = 0; ring < 7; ++ring) EXPECT_EQ(target.as<uint32_t>()[ring], 100 + ring);
}

TEST(Submit, WaitsForItsInSyncobjAcrossRings) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  auto target = client.buffer();
  const uint32_t timeline = client.syncobj();
  // The compute job copies what the gfx job writes after a millisecond of work.
  packets::Words first = work(10, 100'000);
  const auto write = write_dword(target.va, 77);
  first.insert(first.end(), write.begin(), write.end());
  packets::pm4::CopyData copy;
  copy.source = packets::pm4::CopyData::Source::kMemory;
  copy.value = target.va;
  copy.destination = packets::pm4::Destination::kMemory;
  copy.address = target.va + 64;
  ASSERT_EQ(
      client.submit(
          {.context = context, .ring = kGfx, .ibs = {client.ib(first)}, .out = {{timeline, 0, 5}}}),
      0);
  ASSERT_EQ(client.submit({.context = context,
                           .ring = kCompute,
                           .ibs = {client.ib(words(copy))},
                           .in = {{timeline, 0, 5}},
                           .out = {{timeline, 0, 6}}}),
            0);
  machine.run();
  EXPECT_EQ(target.as<uint32_t>()[16], 77u);
  uint64_t point = 0;
  uint32_t handle = timeline;
  drm_syncobj_timeline_array query = {};
  query.handles = reinterpret_cast<uintptr_t>(&handle);
  query.points = reinterpret_cast<uintptr_t>(&point);
  query.count_handles = 1;
  EXPECT_EQ(client.call(DRM_IOCTL_SYNCOBJ_QUERY, query), 0);
  EXPECT_EQ(point, 6u);
}

TEST(Submit, EmptySubmissionIsAFenceInTheContextsOrder) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  const uint32_t done = client.syncobj();
  ASSERT_EQ(client.submit({.context = context, .ibs = {client.ib(work(1, 1'000'000))}}), 0);
  ASSERT_EQ(client.submit({.context = context, .ibs = {}, .out = {{done, 0, 0}}}), 0);
  machine.executor().run_for(100'000);
  EXPECT_EQ(client.poll_syncobj(done), -ETIME);
  machine.run();
  EXPECT_EQ(client.poll_syncobj(done), 0);
}

TEST(Submit, RefusesBadArgumentsBeforeAnythingChanges) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  const uint32_t done = client.syncobj();
  const drm_fakegpu_ib good = client.ib(write_dword(0x100000, 1));
  auto with = [&](auto change) {
    Client::Submit submit{.context = context, .ibs = {good}, .out = {{done, 0, 0}}};
    change(submit);
    return client.submit(submit);
  };
  EXPECT_EQ(with([](auto& s) { s.context = 99; }), -ENOENT);
  EXPECT_EQ(with([](auto& s) { s.context = 0; }), -ENOENT);
  EXPECT_EQ(with([](auto& s) { s.ring = 7; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.flags = 4; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].dwords = 0; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].dwords = 1u << 20; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].va |= 2; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].va = 0; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].va = (1ull << 47) - 4, s.ibs[0].dwords = 2; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ibs[0].flags = 4; }), -EINVAL);
  EXPECT_EQ(with([](auto& s) { s.ring = kSdma, s.ibs[0].dwords = 5; }), -EINVAL);
  EXPECT_EQ(with([&](auto& s) { s.in = {{done, 1, 0}}; }), -EINVAL);
  EXPECT_EQ(with([&](auto& s) { s.in = {{done, 0, 0}}; }), -EINVAL);  // holds no fence
  EXPECT_EQ(with([&](auto& s) { s.in = {{done + 1, 0, 0}}; }), -ENOENT);
  EXPECT_EQ(with([](auto& s) { s.out[0].handle = 0; }), -ENOENT);
  EXPECT_EQ(with([](auto& s) { s.out[0].pad = 1; }), -EINVAL);
  EXPECT_EQ(with([&](auto& s) { s.ibs.assign(65, good); }), -EINVAL);
  EXPECT_EQ(client.poll_syncobj(done), -EINVAL);  // still empty
  EXPECT_EQ(machine.machine().census().jobs, 0u);
}

TEST(Submit, BoundsTheJobsOfOneFile) {
  drv::Options options;
  options.file_jobs = 4;
  VirtualMachine machine(1, options);
  Client client(machine);
  Client other(machine);
  const uint32_t context = client.context();
  const auto ib = client.ib(work(1, 1'000'000));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.submit({.context = context, .ibs = {ib}}), 0);
  EXPECT_EQ(client.submit({.context = context, .ibs = {ib}}), -EAGAIN);
  EXPECT_EQ(other.submit({.context = other.context(), .ibs = {}}), 0);
  machine.run();
  EXPECT_EQ(client.submit({.context = context, .ibs = {ib}}), 0);
}

TEST(Submit, EventIsReadableWhenTheJobIsDone) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  ASSERT_EQ(client.submit({.context = context,
                           .ibs = {client.ib(work(1, 1000))},
                           .flags = DRM_FAKEGPU_SUBMIT_EVENT,
                           .user_data = 42}),
            0);
  bool woken = false;
  EXPECT_EQ(client.file().poll([&woken] { woken = true; }), 0);
  std::byte bytes[256];
  EXPECT_EQ(client.file().read(1, bytes, true, nullptr), -EAGAIN);
  machine.run();
  EXPECT_TRUE(woken);
  EXPECT_EQ(client.file().poll(nullptr) & POLLIN, POLLIN);
  ASSERT_EQ(client.file().read(1, bytes, true, nullptr), int{sizeof(drm_fakegpu_event_fence)});
  drm_fakegpu_event_fence event;
  std::memcpy(&event, bytes, sizeof(event));
  EXPECT_EQ(event.base.type, DRM_FAKEGPU_EVENT_FENCE);
  EXPECT_EQ(event.user_data, 42u);
  EXPECT_EQ(event.seqno, 1u);
  EXPECT_EQ(event.error, 0);
}

TEST(Submit, SurvivesALostInterrupt) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t done = client.syncobj();
  ASSERT_TRUE(machine.machine().faults().inject({.name = "lost-interrupt", .nth = 1}));
  ASSERT_EQ(
      client.submit(
          {.context = client.context(), .ibs = {client.ib(work(1, 1000))}, .out = {{done, 0, 0}}}),
      0);
  machine.executor().run_for(400 * base::kNanosPerMilli);
  EXPECT_EQ(client.poll_syncobj(done), -ETIME);
  machine.executor().run_for(200 * base::kNanosPerMilli);
  EXPECT_EQ(client.poll_syncobj(done), 0);
}

TEST(Submit, SameSeedGivesTheSameTraceAndSeedsReorder) {
  auto trace_of = [](uint64_t seed) {
    base::TextTrace trace;
    VirtualMachine machine(seed, {}, small_profile(), &trace);
    Client a(machine);
    Client b(machine);
    const uint32_t contexts[] = {a.context(), b.context()};
    const drm_fakegpu_ib ibs[] = {a.ib(work(1, 1000)), b.ib(work(1, 1000))};
    for (uint32_t i = 0; i < 40; ++i) {
      Client& client = i % 2 ? b : a;
      EXPECT_EQ(client.submit({.context = contexts[i % 2], .ring = i % 5, .ibs = {ibs[i % 2]}}), 0);
    }
    machine.run();
    a.close();
    b.close();
    return trace.text();
  };
  const std::string first = trace_of(7);
  EXPECT_EQ(first, trace_of(7));
  bool reordered = false;
  for (uint64_t seed = 8; seed < 16; ++seed) reordered |= trace_of(seed) != first;
  EXPECT_TRUE(reordered);
}

}  // namespace
}  // namespace fakegpu::tests
