// SPDX-License-Identifier: MIT
// What is told of who used the device, to the nanosecond: WORK takes what it says, all else
// nothing.
#include "support/virtual_machine.h"

#include <algorithm>
#include <string>

#include "ioctl/drm_core.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMilli;
using packets::pm4::Hang;

constexpr uint32_t kGfx = 0;
constexpr uint32_t kCompute = 1;

hw::Profile free_of_cost() {
  hw::Profile profile = small_profile();
  profile.cost = {};
  return profile;
}

class UsageTest : public testing::Test {
 protected:
  explicit UsageTest(drv::Options options = {}) : machine(1, options, free_of_cost()) {}

  static drm_fakegpu_ib work(Client& client, uint32_t millis) {
    packets::pm4::Work packet;
    packet.units = millis;
    packet.unit_ns = 1'000'000;
    return client.ib(words(packet));
  }
  static drm_fakegpu_ib hang(Client& client, Hang::Mode mode) {
    Hang packet;
    packet.mode = mode;
    return client.ib(words(packet));
  }
  static void submit(Client& client, uint32_t context, uint32_t ring, uint32_t millis) {
    ASSERT_EQ(client.submit({.context = context, .ring = ring, .ibs = {work(client, millis)}}), 0);
  }
  void run_for(base::Nanos millis) { machine.executor().run_for(millis * kNanosPerMilli); }

  static drm_fakegpu_usage usage(Client& client, uint32_t ring) {
    drm_fakegpu_usage usage = {};
    drm_fakegpu_query query = {.item = DRM_FAKEGPU_QUERY_USAGE,
                               .index = ring,
                               .data = reinterpret_cast<uintptr_t>(&usage),
                               .size = sizeof(usage)};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, query), 0);
    return usage;
  }
  static drm_fakegpu_usage context_usage(Client& client, uint32_t context, uint32_t ring) {
    drm_fakegpu_ctx_usage arg = {.ctx_id = context, .ring = ring};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, arg), 0);
    return arg.usage;
  }
  static drm_fakegpu_ring_info ring(Client& client, uint32_t index) {
    drm_fakegpu_ring_info info = {};
    drm_fakegpu_query query = {.item = DRM_FAKEGPU_QUERY_RING,
                               .index = index,
                               .data = reinterpret_cast<uintptr_t>(&info),
                               .size = sizeof(info)};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, query), 0);
    return info;
  }
  static std::vector<drm_fakegpu_client> clients(Client& client, uint64_t after = 0) {
    std::vector<drm_fakegpu_client> found(16);
    drm_fakegpu_clients arg = {.after = after,
                               .data = reinterpret_cast<uintptr_t>(found.data()),
                               .count = static_cast<uint32_t>(found.size())};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CLIENTS, arg), 0);
    found.resize(arg.count);
    return found;
  }
  static std::string fdinfo(Client& client, uint64_t of = 0) {
    std::string text(4096, '#');
    drm_fakegpu_fdinfo arg = {.client_id = of,
                              .data = reinterpret_cast<uintptr_t>(text.data()),
                              .size = static_cast<uint32_t>(text.size())};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), 0);
    text.resize(arg.size);
    return text;
  }
  static int set_name(Client& client, std::string_view name) {
    ioctl::SetClientName arg = {name.size(), reinterpret_cast<uintptr_t>(name.data())};
    return client.call(ioctl::kSetClientNameCommand, arg);
  }

  VirtualMachine machine;
};

TEST_F(UsageTest, TwoClientsOnTwoRingsAreToldApart) {
  Client first(machine);
  Client second(machine);
  const uint32_t a = first.context();
  const uint32_t b = first.context();
  const uint32_t c = second.context();
  submit(first, a, kGfx, 10);
  submit(first, b, kGfx, 20);
  submit(first, b, kCompute, 7);
  submit(second, c, kGfx, 30);
  machine.run();

  const drm_fakegpu_usage gfx = usage(first, kGfx);
  EXPECT_EQ(gfx.pushed, 2u);
  EXPECT_EQ(gfx.completed, 2u);
  EXPECT_EQ(gfx.gpu_time_ns, 30'000'000u);
  EXPECT_EQ(gfx.wait_time_ns, 10'000'000u);
  EXPECT_EQ(gfx.longest_ns, 20'000'000u);
  EXPECT_EQ(gfx.average_ns, 12'500'000u);
  EXPECT_EQ(usage(first, kCompute).gpu_time_ns, 7'000'000u);
  EXPECT_EQ(usage(first, kCompute).wait_time_ns, 0u);
  EXPECT_EQ(usage(second, kGfx).gpu_time_ns, 30'000'000u);
  EXPECT_EQ(usage(second, kGfx).wait_time_ns, 30'000'000u);
  EXPECT_EQ(usage(second, kCompute).pushed, 0u);

  EXPECT_EQ(context_usage(first, a, kGfx).gpu_time_ns, 10'000'000u);
  EXPECT_EQ(context_usage(first, b, kGfx).gpu_time_ns, 20'000'000u);
  EXPECT_EQ(context_usage(first, b, kGfx).wait_time_ns, 10'000'000u);
  EXPECT_EQ(context_usage(first, a, kCompute).pushed, 0u);

  EXPECT_EQ(ring(first, kGfx).wait_time_ns, 40'000'000u);
  EXPECT_EQ(ring(first, kGfx).busy_ns, 60'000'000u);
}

TEST_F(UsageTest, AJobCountsWhileItExecutes) {
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context, kGfx, 10);
  submit(client, context, kGfx, 10);
  run_for(4);
  drm_fakegpu_usage now = usage(client, kGfx);
  EXPECT_EQ(now.gpu_time_ns, 4'000'000u);
  EXPECT_EQ(now.completed, 0u);
  EXPECT_EQ(now.in_flight + now.queued, 2u);
  EXPECT_EQ(context_usage(client, context, kGfx).gpu_time_ns, 4'000'000u);
  run_for(8);
  now = usage(client, kGfx);
  EXPECT_EQ(now.gpu_time_ns, 12'000'000u);
  EXPECT_EQ(now.completed, 1u);
  machine.run();
  EXPECT_EQ(usage(client, kGfx).gpu_time_ns, 20'000'000u);
}

TEST_F(UsageTest, TheDepthOfARingIsSeenFromOutside) {
  drv::Options options;
  options.hw_submission = 2;
  options.queue_time = 0;
  VirtualMachine shallow(1, options, free_of_cost());
  Client client(shallow);
  const uint32_t context = client.context();
  submit(client, context, kGfx, 10);
  shallow.run();
  for (int i = 0; i < 5; ++i) submit(client, context, kGfx, 10);
  shallow.executor().run_for(1);
  EXPECT_EQ(ring(client, kGfx).in_flight, 2u);
  EXPECT_EQ(ring(client, kGfx).queued, 3u);
  EXPECT_EQ(ring(client, kGfx).depth_ns, 20'000'000u);
  EXPECT_EQ(usage(client, kGfx).queued, 3u);
  EXPECT_EQ(clients(client)[0].queued, 3u);
  EXPECT_EQ(clients(client)[0].in_flight, 2u);
  shallow.run();
  EXPECT_EQ(ring(client, kGfx).in_flight, 0u);
  EXPECT_EQ(ring(client, kGfx).depth_ns, 0u);
}

TEST_F(UsageTest, AFinishedContextStaysInTheClientsSums) {
  Client client(machine);
  const uint32_t context = client.context();
  const uint32_t blocker = client.syncobj();
  submit(client, context, kGfx, 10);
  ASSERT_EQ(
      client.submit({.context = context, .ibs = {work(client, 10)}, .out = {{blocker, 0, 0}}}), 0);
  const uint32_t other = client.context();
  ASSERT_EQ(
      client.submit(
          {.context = other, .ring = kCompute, .ibs = {work(client, 10)}, .in = {{blocker, 0, 0}}}),
      0);
  run_for(1);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = other};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  EXPECT_EQ(usage(client, kCompute).refused, 1u);
  EXPECT_EQ(usage(client, kCompute).queued, 0u);
  machine.run();
  destroy.ctx_id = context;
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  EXPECT_EQ(usage(client, kGfx).gpu_time_ns, 20'000'000u);
  EXPECT_EQ(usage(client, kGfx).completed, 2u);
  EXPECT_EQ(usage(client, kCompute).gpu_time_ns, 0u);
  drm_fakegpu_ctx_usage gone = {.ctx_id = context};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, gone), -ENOENT);
}

class HangUsageTest : public UsageTest, public testing::WithParamInterface<Hang::Mode> {};

TEST_P(HangUsageTest, AHangIsChargedToTheCulpritAndNoneOfItToTheInnocent) {
  Client guilty(machine);
  Client innocent(machine);
  ASSERT_EQ(guilty.submit({.context = guilty.context(), .ibs = {hang(guilty, GetParam())}}), 0);
  submit(innocent, innocent.context(), kGfx, 10);
  machine.run();
  // The lockup timeout, and what it took to get the ring back.
  EXPECT_GE(usage(guilty, kGfx).gpu_time_ns, 2'000'000'000u);
  EXPECT_LT(usage(guilty, kGfx).gpu_time_ns, 2'400'000'000u);
  EXPECT_EQ(usage(guilty, kGfx).longest_ns, usage(guilty, kGfx).gpu_time_ns);
  EXPECT_EQ(usage(guilty, kGfx).completed, 1u);
  EXPECT_EQ(usage(innocent, kGfx).gpu_time_ns, 10'000'000u);
  EXPECT_EQ(usage(innocent, kGfx).wait_time_ns, usage(guilty, kGfx).gpu_time_ns);
}

// Each ends by another step: the waves are killed, the queue, the engine, the chip is reset.
INSTANTIATE_TEST_SUITE_P(Modes, HangUsageTest,
                         testing::Values(Hang::Mode::kWave, Hang::Mode::kProcessor,
                                         Hang::Mode::kIgnoreQueueReset,
                                         Hang::Mode::kSurviveSoftReset));

TEST_F(UsageTest, AJobThatIsEmittedAgainIsChargedOnceAndNeverFalls) {
  Client guilty(machine);
  Client innocent(machine);
  ASSERT_EQ(guilty.submit({.context = guilty.context(),
                           .ibs = {hang(guilty, Hang::Mode::kSurviveSoftReset)}}),
            0);
  // It executes on another ring when the whole chip is reset, which takes that along.
  run_for(1'950);
  submit(innocent, innocent.context(), kCompute, 1'000);
  uint64_t last = 0;
  uint64_t told_twice = 0;
  for (int i = 0; i < 200; ++i) {
    run_for(10);
    const drm_fakegpu_usage now = usage(innocent, kCompute);
    ASSERT_GE(now.gpu_time_ns, last) << "after " << i;
    told_twice += now.completed == 0 && now.gpu_time_ns == last;
    last = now.gpu_time_ns;
  }
  // What its first execution had shown was waited for by the second.
  EXPECT_GT(told_twice, 20u);
  EXPECT_EQ(usage(innocent, kCompute).completed, 1u);
  EXPECT_EQ(usage(innocent, kCompute).longest_ns, 1'000'000'000u);
  EXPECT_EQ(usage(innocent, kCompute).gpu_time_ns, 1'000'000'000u);
  EXPECT_GT(usage(innocent, kCompute).wait_time_ns, 200'000'000u);
}

TEST_F(UsageTest, ALateInterruptTakesNothingBack) {
  ASSERT_TRUE(machine.machine().faults().inject(
      {.name = "late-interrupt", .nth = 1, .duration = 30 * kNanosPerMilli}));
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context, kGfx, 10);
  run_for(20);
  const uint64_t seen = usage(client, kGfx).gpu_time_ns;
  EXPECT_EQ(seen, 20'000'000u);
  machine.run();
  EXPECT_EQ(usage(client, kGfx).longest_ns, 10'000'000u);
  EXPECT_EQ(usage(client, kGfx).gpu_time_ns, seen);
  submit(client, context, kGfx, 15);
  machine.run();
  EXPECT_EQ(usage(client, kGfx).gpu_time_ns, 25'000'000u);
}

TEST_F(UsageTest, FdinfoIsTheTextOfTheDocument) {
  Client client(machine);
  const uint32_t context = client.context();
  submit(client, context, kGfx, 3);
  submit(client, context, kCompute, 4);
  submit(client, context, kCompute + 1, 5);
  client.buffer(8192, DRM_FAKEGPU_HEAP_SYSTEM);
  Client::Buffer shared = client.buffer(16384, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
  machine.run();
  ASSERT_EQ(set_name(client, "some-app"), 0);
  // Three IBs of a page each are VRAM too.
  EXPECT_EQ(fdinfo(client),
            "drm-driver:\tfakegpu\n"
            "drm-client-id:\t1\n"
            "drm-client-name:\tsome-app\n"
            "drm-engine-gfx:\t3000000 ns\n"
            "drm-engine-compute:\t9000000 ns\n"
            "drm-engine-capacity-compute:\t4\n"
            "drm-engine-dma:\t0 ns\n"
            "drm-engine-capacity-dma:\t2\n"
            "drm-total-vram:\t28 KiB\n"
            "drm-shared-vram:\t0 KiB\n"
            "drm-active-vram:\t0 KiB\n"
            "drm-resident-vram:\t28 KiB\n"
            "drm-total-memory:\t8 KiB\n"
            "drm-shared-memory:\t0 KiB\n"
            "drm-active-memory:\t0 KiB\n"
            "drm-resident-memory:\t8 KiB\n");
  ASSERT_EQ(client.submit({.context = context,
                           .ibs = {work(client, 10)},
                           .bos = {{shared.handle, DRM_FAKEGPU_BO_USE_WRITE}}}),
            0);
  EXPECT_NE(fdinfo(client).find("drm-active-vram:\t16 KiB\n"), std::string::npos);
  machine.run();
  EXPECT_NE(fdinfo(client).find("drm-active-vram:\t0 KiB\n"), std::string::npos);
}

TEST_F(UsageTest, FdinfoIsCutToTheRoomAndItsSizeTold) {
  Client client(machine);
  const std::string whole = fdinfo(client);
  drm_fakegpu_fdinfo arg = {};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), 0);
  EXPECT_EQ(arg.size, whole.size());
  char start[9] = {};
  arg = {.data = reinterpret_cast<uintptr_t>(start), .size = 8};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), 0);
  EXPECT_EQ(arg.size, whole.size());
  EXPECT_STREQ(start, "drm-driv");
  arg = {.pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), -EINVAL);
  arg = {.client_id = 99};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), -ENOENT);
}

TEST_F(UsageTest, ClientsAreToldInTheOrderOfTheirIdsAndInParts) {
  Client first(machine);
  Client second(machine);
  Client third(machine);
  const auto all = clients(third);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].client_id, 1u);
  EXPECT_EQ(all[1].client_id, 2u);
  EXPECT_EQ(all[2].client_id, 3u);
  drm_fakegpu_client one = {};
  drm_fakegpu_clients arg = {
      .after = 1, .data = reinterpret_cast<uintptr_t>(&one), .count = 1, .total = 77};
  ASSERT_EQ(first.call(DRM_IOCTL_FAKEGPU_CLIENTS, arg), 0);
  EXPECT_EQ(arg.count, 1u);
  EXPECT_EQ(arg.total, 3u);
  EXPECT_EQ(one.client_id, 2u);
  second.close();
  EXPECT_EQ(clients(first).size(), 2u);
  EXPECT_TRUE(clients(first, 3).empty());
  arg = {.count = 5};
  EXPECT_EQ(first.call(DRM_IOCTL_FAKEGPU_CLIENTS, arg), -EFAULT);
}

TEST_F(UsageTest, OnlyRootAndWhoRunsTheDeviceSeeOthers) {
  drv::Options options;
  options.owner_uid = 500;
  VirtualMachine machine(1, options, free_of_cost());
  Client root(machine, {1, 0, 0});
  Client owner(machine, {1, 500, 500});
  Client user(machine, {1, 1000, 1000});
  Client same(machine, {1, 1000, 1000});
  Client other(machine, {1, 1001, 1001});
  ASSERT_EQ(set_name(other, "secret"), 0);
  EXPECT_EQ(clients(root).size(), 5u);
  EXPECT_EQ(clients(owner).size(), 5u);
  const auto seen = clients(user);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& client) { return client.uid == 1000; }));
  drm_fakegpu_clients count = {};
  ASSERT_EQ(user.call(DRM_IOCTL_FAKEGPU_CLIENTS, count), 0);
  EXPECT_EQ(count.total, 2u);
  const uint64_t others = clients(other)[0].client_id;
  drm_fakegpu_fdinfo arg = {.client_id = others};
  EXPECT_EQ(user.call(DRM_IOCTL_FAKEGPU_FDINFO, arg), -ENOENT);
  EXPECT_NE(fdinfo(root, others).find("secret"), std::string::npos);
  EXPECT_NE(fdinfo(owner, others).find("secret"), std::string::npos);
  // Who was given the file looks at it as its own.
  other.pass_to({1, 1000, 1000});
  EXPECT_EQ(clients(other).size(), 3u);
  EXPECT_NE(fdinfo(other).find("secret"), std::string::npos);
}

TEST_F(UsageTest, AClientHasTheNameThatTheKernelWouldTake) {
  Client client(machine);
  EXPECT_EQ(fdinfo(client).find("client-name"), std::string::npos);
  const std::string longest(64, 'x');
  EXPECT_EQ(set_name(client, longest), 0);
  EXPECT_EQ(clients(client)[0].name, longest);
  for (const std::string_view bad :
       {std::string_view("a b"), std::string_view("a\tb"), std::string_view("a\nb"),
        std::string_view("a\0b", 3), std::string_view("\x7f"), std::string_view("\xc3\xa4")})
    EXPECT_EQ(set_name(client, bad), -EINVAL) << bad;
  EXPECT_EQ(set_name(client, std::string(65, 'x')), -EINVAL);
  ioctl::SetClientName nowhere = {UINT64_MAX, 0};
  EXPECT_EQ(client.call(ioctl::kSetClientNameCommand, nowhere), -EINVAL);
  EXPECT_EQ(clients(client)[0].name, longest);
  EXPECT_EQ(set_name(client, ""), 0);
  EXPECT_EQ(fdinfo(client).find("client-name"), std::string::npos);
}

TEST_F(UsageTest, WhatDoesNotExistIsRefused) {
  Client client(machine);
  drm_fakegpu_query query = {.item = DRM_FAKEGPU_QUERY_USAGE, .index = 7};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, query), -EINVAL);
  drm_fakegpu_ctx_usage arg = {.ctx_id = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, arg), -ENOENT);
  arg = {.ctx_id = client.context(), .ring = 7};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_USAGE, arg), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::tests
