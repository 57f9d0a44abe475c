// SPDX-License-Identifier: MIT
// MONITOR, and the events of a device that hung: when they are sent, to whom, and what they tell.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "ioctl/sync_file.h"
#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;
using Mode = packets::pm4::Hang::Mode;

constexpr uint32_t kNone = DRM_FAKEGPU_WEDGE_RECOVERY_NONE;
constexpr uint32_t kGivenUp =
    DRM_FAKEGPU_WEDGE_RECOVERY_REBIND | DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET;

int monitor(Client& client, uint32_t events = DRM_FAKEGPU_MONITOR_WEDGED, uint32_t pad = 0) {
  drm_fakegpu_monitor arg = {events, pad};
  return client.call(DRM_IOCTL_FAKEGPU_MONITOR, arg);
}

// Everything that can be read: of fences' events the user_data, of the others what they are.
struct Heard {
  std::vector<uint64_t> fences;
  std::vector<drm_fakegpu_event_wedged> wedged;
};

void hear(std::span<const std::byte> bytes, Heard& heard) {
  drm_event head;
  for (; bytes.size() >= sizeof(head); bytes = bytes.subspan(head.length)) {
    std::memcpy(&head, bytes.data(), sizeof(head));
    ASSERT_LE(head.length, bytes.size());
    if (head.type == DRM_FAKEGPU_EVENT_FENCE) {
      if (!heard.wedged.empty()) {
        EXPECT_EQ(heard.wedged.back().recovery, kNone) << "a job finished after that";
      }
      drm_fakegpu_event_fence event;
      std::memcpy(&event, bytes.data(), sizeof(event));
      heard.fences.push_back(event.user_data);
    } else {
      ASSERT_EQ(head.type, DRM_FAKEGPU_EVENT_WEDGED);
      ASSERT_EQ(head.length, sizeof(drm_fakegpu_event_wedged));
      std::memcpy(&heard.wedged.emplace_back(), bytes.data(), head.length);
    }
  }
}

Heard hear(Client& client) {
  Heard heard;
  std::byte bytes[8192];
  for (;;) {
    const auto got = client.file().read(1, bytes, true, nullptr);
    if (!got || *got <= 0) return heard;
    hear(std::span<const std::byte>(bytes).first(static_cast<size_t>(*got)), heard);
  }
}

class Wedged : public testing::Test {
 protected:
  Wedged() { start(); }

  void start(bool as_6_12 = false) {
    drv::Options options;
    options.lockup_timeout = {100 * kNanosPerMilli, 100 * kNanosPerMilli, 100 * kNanosPerMilli};
    options.as_6_12 = as_6_12;
    listener.reset();
    machine.reset();
    machine.emplace(1, options);
    listener.emplace(*machine);
  }
  void hang(Client& client, Mode mode, uint32_t out = 0, uint64_t user_data = 0) {
    packets::pm4::Hang packet;
    packet.mode = mode;
    Client::Submit submit = {.context = client.context(), .ibs = {client.ib(words(packet))}};
    submit.flags = user_data ? DRM_FAKEGPU_SUBMIT_EVENT : 0;
    submit.user_data = user_data;
    if (out) submit.out = {{out, 0, 0}};
    ASSERT_EQ(client.submit(submit), 0);
  }
  void hang_and_recover(Client& client, Mode mode) {
    hang(client, mode);
    run_for(2 * kNanosPerSecond);
  }
  void kill_the_chip() {
    for (const char* fault : {"mute-kill", "mute-queue-reset", "mute-engine-reset"})
      ASSERT_TRUE(machine->machine().faults().inject({.name = fault, .nth = 1}));
    ASSERT_TRUE(machine->machine().faults().inject({.name = "mute-gpu-reset", .nth = 1}));
  }
  void run_for(base::Nanos span) { machine->executor().run_for(span); }

  std::optional<VirtualMachine> machine;
  std::optional<Client> listener;
};

TEST_F(Wedged, SoftRecoveryIsNotTold) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine);
  hang_and_recover(guilty, Mode::kWave);
  EXPECT_TRUE(hear(*listener).wedged.empty());
}

TEST_F(Wedged, EveryOtherStepIsToldOnceWithTheTaskThatHung) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine, {::getpid(), 0, 0});
  uint64_t seqnum = 0;
  for (const Mode mode : {Mode::kProcessor, Mode::kIgnoreQueueReset, Mode::kSurviveSoftReset}) {
    const base::Nanos before = machine->now();
    hang_and_recover(guilty, mode);
    const Heard heard = hear(*listener);
    ASSERT_EQ(heard.wedged.size(), 1u);
    const drm_fakegpu_event_wedged& event = heard.wedged[0];
    EXPECT_EQ(event.recovery, kNone);
    EXPECT_EQ(event.pid, static_cast<uint32_t>(::getpid()));
    EXPECT_EQ(event.task, base::command_of(::getpid()));
    EXPECT_EQ(event.seqnum, ++seqnum);
    EXPECT_GT(event.time_ns, before);
    EXPECT_LT(event.time_ns, machine->now());
  }
}

TEST_F(Wedged, AQueueThatStoppedByAFaultIsTold) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine, {::getpid(), 0, 0});
  ASSERT_EQ(guilty.submit({.context = guilty.context(), .ibs = {guilty.ib({0xc000'7700, 0})}}), 0);
  run_for(50 * kNanosPerMilli);
  const Heard heard = hear(*listener);
  ASSERT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(heard.wedged[0].pid, static_cast<uint32_t>(::getpid()));
}

TEST_F(Wedged, ATaskThatCannotBeSeenHasNoName) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine, {0, 0, 0});
  hang_and_recover(guilty, Mode::kProcessor);
  const Heard heard = hear(*listener);
  ASSERT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(heard.wedged[0].pid, 0u);
  EXPECT_STREQ(heard.wedged[0].task, "");
}

TEST_F(Wedged, ATaskThatIsGoneIsNamedAsItWasWhenItSubmitted) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine, {::getpid(), 0, 0});
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const std::string name = base::command_of(child);
  guilty.pass_to({child, 0, 0});
  hang(guilty, Mode::kProcessor);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  guilty.close();
  run_for(kNanosPerSecond);
  const Heard heard = hear(*listener);
  ASSERT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(heard.wedged[0].pid, static_cast<uint32_t>(child));
  EXPECT_EQ(heard.wedged[0].task, name);
  EXPECT_FALSE(name.empty());
}

TEST_F(Wedged, AReadThatWaitsIsAnsweredAndAPollWoken) {
  Client poller(*machine);
  ASSERT_EQ(monitor(*listener), 0);
  ASSERT_EQ(monitor(poller), 0);
  Heard heard;
  std::byte bytes[256];
  ASSERT_FALSE(listener->file().read(
      1, bytes, false, [&](int, std::span<const std::byte> got) { hear(got, heard); }));
  int woken = 0;
  EXPECT_EQ(poller.file().poll([&] { ++woken; }), 0);
  Client guilty(*machine);
  hang_and_recover(guilty, Mode::kProcessor);
  EXPECT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(poller.file().poll(nullptr), POLLIN | POLLRDNORM);
}

TEST_F(Wedged, WhenTheDeviceIsGivenUpEveryFenceHasSignalledBefore) {
  ASSERT_EQ(monitor(*listener), 0);
  FakeDescriptors table;
  listener->use(table);
  Client timeline(std::move(*machine->machine().open_sw_sync("never")), {1, 0, 0});
  timeline.use(table);
  ioctl::SwSyncCreateFence never = {1, "never", -1};
  ASSERT_EQ(timeline.call(ioctl::kSwSyncIocCreateFence, never), 0);
  const uint32_t waits = listener->syncobj();
  drm_syncobj_handle import = {waits, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, never.fence,
                               0};
  ASSERT_EQ(listener->call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, import), 0);

  kill_the_chip();
  Client guilty(*machine, {::getpid(), 0, 0});
  hang(guilty, Mode::kSurviveSoftReset);
  // In flight and queued, on a ring that hangs and on one that does not; and behind a fence that
  // does not come.
  Client::Submit submit = {.context = listener->context(), .flags = DRM_FAKEGPU_SUBMIT_EVENT};
  for (submit.user_data = 1; submit.user_data <= 40; ++submit.user_data) {
    submit.ring = submit.user_data % 2;
    submit.ibs = {listener->ib(words(packets::pm4::Work{.units = 1, .unit_ns = 90'000'000}))};
    ASSERT_EQ(listener->submit(submit), 0);
  }
  submit.context = listener->context();
  submit.in = {{waits, 0, 0}};
  ASSERT_EQ(listener->submit(submit), 0);
  run_for(10 * kNanosPerSecond);

  const Heard heard = hear(*listener);
  EXPECT_EQ(heard.fences.size(), 41u);
  ASSERT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(heard.wedged[0].recovery, kGivenUp);
  EXPECT_EQ(heard.wedged[0].pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(machine->machine().census().jobs, 0u);
  EXPECT_EQ(listener->submit(submit), -ENODEV);
  // It stays that way, and who comes late hears nothing.
  Client late(*machine);
  EXPECT_EQ(monitor(late), 0);
  run_for(10 * kNanosPerSecond);
  EXPECT_TRUE(hear(*listener).wedged.empty());
  EXPECT_TRUE(hear(late).wedged.empty());
  EXPECT_EQ(late.file().poll(nullptr), 0);
  // What is left can be taken away and used as before.
  drm_fakegpu_ctx_set_priority priority = {submit.context, DRM_FAKEGPU_PRIORITY_LOW};
  EXPECT_EQ(listener->call(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, priority), 0);
  drm_fakegpu_set_policy policy = {"rr", DRM_FAKEGPU_ALL_RINGS, 0};
  EXPECT_EQ(listener->call(DRM_IOCTL_FAKEGPU_SET_POLICY, policy), 0);
  drm_fakegpu_ctx_destroy destroy = {submit.context, 0};
  EXPECT_EQ(listener->call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  ioctl::SwSyncInc advance = {1};
  EXPECT_EQ(timeline.call(ioctl::kSwSyncIocInc, advance), 0);
}

TEST_F(Wedged, OnlyWhoMonitorsHears) {
  Client silent(*machine);
  Client stopped(*machine);
  Client closed(*machine);
  for (Client* client : {&*listener, &stopped, &closed}) ASSERT_EQ(monitor(*client), 0);
  ASSERT_EQ(monitor(*listener), 0) << "twice is once";
  ASSERT_EQ(monitor(stopped, 0), 0);
  closed.close();
  Client guilty(*machine);
  hang_and_recover(guilty, Mode::kProcessor);
  EXPECT_EQ(hear(*listener).wedged.size(), 1u);
  EXPECT_TRUE(hear(silent).wedged.empty());
  EXPECT_TRUE(hear(stopped).wedged.empty());
}

TEST_F(Wedged, AnotherUserHearsToo) {
  Client stranger(*machine, {1, 1000, 1000});
  ASSERT_EQ(monitor(stranger), 0);
  Client guilty(*machine, {::getpid(), 2000, 2000});
  hang_and_recover(guilty, Mode::kProcessor);
  const Heard heard = hear(stranger);
  ASSERT_EQ(heard.wedged.size(), 1u);
  EXPECT_EQ(heard.wedged[0].pid, static_cast<uint32_t>(::getpid()));
}

TEST_F(Wedged, WhatNobodyReadsIsDroppedButForTheLast) {
  constexpr size_t kKept = 64;
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine);
  for (size_t i = 0; i < kKept + 6; ++i) hang_and_recover(guilty, Mode::kProcessor);
  kill_the_chip();
  hang_and_recover(guilty, Mode::kSurviveSoftReset);
  run_for(5 * kNanosPerSecond);
  const Heard heard = hear(*listener);
  ASSERT_EQ(heard.wedged.size(), kKept + 1);
  for (size_t i = 0; i < kKept; ++i) EXPECT_EQ(heard.wedged[i].seqnum, i + 1);
  EXPECT_EQ(heard.wedged.back().recovery, kGivenUp);
  EXPECT_EQ(heard.wedged.back().seqnum, kKept + 7);
}

TEST_F(Wedged, TheyTakeNoRoomFromSubmissions) {
  ASSERT_EQ(monitor(*listener), 0);
  Client guilty(*machine);
  for (int i = 0; i < 70; ++i) hang_and_recover(guilty, Mode::kProcessor);
  const uint32_t context = listener->context();
  for (int i = 0; i < 4096; ++i) {
    ASSERT_EQ(listener->submit({.context = context, .ibs = {}, .flags = DRM_FAKEGPU_SUBMIT_EVENT}),
              0);
    if (i % 1000 == 0) run_for(kNanosPerMilli);
  }
  EXPECT_EQ(listener->submit({.context = context, .ibs = {}, .flags = DRM_FAKEGPU_SUBMIT_EVENT}),
            -ENOMEM);
  const Heard heard = hear(*listener);
  EXPECT_EQ(heard.wedged.size(), 64u);
  EXPECT_EQ(listener->submit({.context = context, .ibs = {}, .flags = DRM_FAKEGPU_SUBMIT_EVENT}),
            0);
}

TEST_F(Wedged, Linux612HasNone) {
  start(true);
  EXPECT_EQ(monitor(*listener), -EOPNOTSUPP);
  Client guilty(*machine);
  hang_and_recover(guilty, Mode::kSurviveSoftReset);
  EXPECT_TRUE(hear(*listener).wedged.empty());
}

TEST_F(Wedged, UnknownEventsAndPaddingAreRefused) {
  EXPECT_EQ(monitor(*listener, 2), -EINVAL);
  EXPECT_EQ(monitor(*listener, DRM_FAKEGPU_MONITOR_WEDGED | 1u << 31), -EINVAL);
  EXPECT_EQ(monitor(*listener, DRM_FAKEGPU_MONITOR_WEDGED, 1), -EINVAL);
  Client guilty(*machine);
  hang_and_recover(guilty, Mode::kProcessor);
  EXPECT_TRUE(hear(*listener).wedged.empty());
}

}  // namespace
}  // namespace fakegpu::tests
