// SPDX-License-Identifier: MIT
// Invariants of recovery, each by its number (docs/recovery-tests.md), where one plain scenario
// shows it. The matrix and the campaign check most of them in every cell and round.
#include <algorithm>

#include "base/log.h"
#include "party.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMicro;
using base::kNanosPerMilli;
using base::kNanosPerSecond;
constexpr uint64_t kAlways = base::FaultInjector::kAlways;

constexpr base::Nanos kTimeout = 100 * kNanosPerMilli;
using Steps = std::vector<std::string>;

class Invariant : public testing::Test {
 protected:
  Invariant() {
    base::set_log_sink([](base::LogLevel, std::string_view) {});
    start();
  }
  ~Invariant() override { base::set_log_sink(nullptr); }

  void start(base::Nanos timeout = kTimeout, uint64_t first_emission = 1) {
    drv::Options options;
    options.lockup_timeout = {timeout, timeout, timeout};
    options.first_emission = first_emission;
    watch.clear();
    guilty.reset();
    innocent.reset();
    listener.reset();
    machine.reset();
    machine.emplace(1, options, recovery_profile(), &watch);
    listener.emplace(*machine);
    guilty.emplace(*machine, watch);
    innocent.emplace(*machine, watch);
  }
  void TearDown() override {
    watch.check_told();
    EXPECT_EQ(watch.broken(), "");
    watch.forget_jobs();
  }

  void inject(base::FaultSpec spec) { ASSERT_TRUE(machine->machine().faults().inject(spec)); }
  void run_for(base::Nanos span) {
    machine->executor().run_for(span);
    guilty->read_events();
    innocent->read_events();
  }
  Tracked* bad(const char* fault, unsigned ring = kGfxRing) {
    return guilty->submit({guilty->new_context(), ring, &fault_kind(fault)});
  }
  Tracked* good(unsigned ring = kGfxRing) {
    return innocent->submit({innocent->new_context(), ring});
  }
  // A job of this length on the gfx ring.
  void work(base::Nanos length) {
    packets::pm4::Work packet{.units = 1, .unit_ns = static_cast<uint32_t>(length)};
    Client& client = innocent->client();
    ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(words(packet))}}), 0);
  }
  void check_all() {
    for (const Party* party : {&*guilty, &*innocent})
      for (const Tracked& job : party->jobs()) watch.check_finished(job);
  }

  Watch watch;
  std::optional<VirtualMachine> machine;
  std::optional<Party> guilty;
  std::optional<Party> innocent;
  std::optional<Client> listener;
};

TEST_F(Invariant, T1_WhoIsKilledInTheMiddleOfAResetFinishesOnceToo) {
  inject({.name = "mute-queue-reset", .probability = kAlways});
  const uint32_t context = guilty->new_context();
  ASSERT_TRUE(guilty->submit({context, kGfxRing, &fault_kind("endless-wait")}));
  const uint32_t killed = innocent->new_context();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(innocent->submit({killed, kGfxRing}));
  good(kComputeRing);
  run_for(kTimeout + 50 * kNanosPerMilli);
  ASSERT_TRUE(watch.recovering());
  guilty->end_context(context);
  innocent->end_context(killed);
  run_for(kNanosPerSecond);
  check_all();
  EXPECT_EQ(machine->machine().census().jobs, 0u);
}

TEST_F(Invariant, T2_AJobThatGoesOnWritingIsNotDoneBeforeTheChipIsReset) {
  for (const char* mute : {"mute-kill", "mute-queue-reset", "mute-engine-reset"})
    inject({.name = mute, .probability = kAlways});
  const Tracked* job = bad("runaway-writes");
  run_for(kTimeout + 300 * kNanosPerMilli);
  EXPECT_EQ(job->dones, 0u);
  const uint32_t before = job->memory[0];
  run_for(kNanosPerMilli);
  EXPECT_GT(job->memory[0], before) << "it should still write";
  run_for(kNanosPerSecond);
  EXPECT_EQ(job->error, -ETIME);
  check_all();
}

TEST_F(Invariant, T6_TheLastMomentIsNoHangAndTheNextOneIsOne) {
  work(kTimeout - 10 * kNanosPerMicro);
  run_for(kNanosPerSecond);
  EXPECT_TRUE(watch.episodes().empty());
  work(kTimeout + 10 * kNanosPerMicro);
  run_for(kNanosPerSecond);
  EXPECT_EQ(watch.episodes().size(), 1u);
}

TEST_F(Invariant, T6_WhoWaitsBehindASlowJobIsNotChargedForIt) {
  for (int i = 0; i < 5; ++i) work(kTimeout * 9 / 10);
  run_for(kNanosPerSecond);
  EXPECT_TRUE(watch.episodes().empty());
}

TEST_F(Invariant, T7_AFalseAlarmChangesNothing) {
  inject({.name = "lost-interrupt", .nth = 1});
  const Tracked* job = good();
  const uint32_t context = job->context;
  run_for(kTimeout - kNanosPerMilli);
  EXPECT_EQ(job->events, 0u) << "nobody should know yet";
  run_for(2 * kNanosPerMilli);
  EXPECT_EQ(job->events, 1u);
  EXPECT_TRUE(watch.episodes().empty());
  EXPECT_EQ(innocent->flags(context), 0u);
  EXPECT_EQ(machine->machine().census().jobs, 0u);
  check_all();
}

TEST_F(Invariant, T8_FlagsStayAndYoungerContextsHaveNone) {
  inject({.name = "vram-loss", .nth = 1});
  const uint32_t old = innocent->new_context();
  const uint32_t culprits = bad("hang-past-engine-reset")->context;
  run_for(kNanosPerSecond);
  const uint32_t between = innocent->new_context();
  EXPECT_EQ(innocent->flags(between), 0u);
  bad("hang-processor");
  run_for(kNanosPerSecond);
  for (int query = 0; query < 3; ++query) {
    EXPECT_EQ(innocent->flags(old), DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_VRAM_LOST);
    EXPECT_EQ(guilty->flags(culprits),
              DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_VRAM_LOST | DRM_FAKEGPU_CTX_GUILTY);
    EXPECT_EQ(innocent->flags(between), DRM_FAKEGPU_CTX_RESET);
    EXPECT_EQ(innocent->flags(innocent->new_context()), 0u);
  }
}

TEST_F(Invariant, T9_ResetInProgressIsSeenStrictlyBetween) {
  const uint32_t context = innocent->new_context();
  for (const char* fault : {"hang-wave", "bad-opcode", "hang-past-engine-reset"}) {
    bad(fault);
    unsigned seen = 0;
    const base::Nanos until = machine->now() + kNanosPerSecond;
    // Between any two events is where another thread might ask.
    while (machine->executor().next_event() >= 0 && machine->executor().next_event() < until) {
      machine->executor().step();
      const bool flag = innocent->flags(context) & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS;
      ASSERT_EQ(flag, watch.recovering()) << fault;
      seen += flag;
    }
    EXPECT_GT(seen, 0u) << fault;
    run_for(kNanosPerSecond);
  }
}

TEST_F(Invariant, T10_HangsOfAllRingsAreResetOneAfterTheOther) {
  for (unsigned ring = 0; ring < kRings; ++ring) bad("endless-wait", ring);
  run_for(kNanosPerSecond);
  EXPECT_EQ(watch.episodes().size(), kRings);
  check_all();
}

TEST_F(Invariant, T10_OneResetOfTheGpuIsThatOfAllWhoHang) {
  for (const char* mute : {"mute-kill", "mute-queue-reset", "mute-engine-reset"})
    inject({.name = mute, .probability = kAlways});
  for (unsigned ring = 0; ring < kRings; ++ring) bad("endless-wait", ring);
  run_for(2 * kNanosPerSecond);
  ASSERT_EQ(watch.episodes().size(), 1u);
  for (const Tracked& job : guilty->jobs()) EXPECT_EQ(job.error, -ETIME);
  check_all();
}

TEST_F(Invariant, T11_ALostInterruptIsMadeUpForWithinHalfASecond) {
  start(10 * kNanosPerSecond);
  for (unsigned ring = 0; ring < kRings; ++ring) {
    inject({.name = "lost-interrupt", .ring = static_cast<int>(ring), .nth = 1});
    const Tracked* job = good(ring);
    run_for(499 * kNanosPerMilli);
    EXPECT_EQ(job->events, 0u);
    run_for(2 * kNanosPerMilli);
    EXPECT_EQ(job->events, 1u);
    EXPECT_EQ(job->error, 0);
    run_for(kNanosPerSecond);
  }
  EXPECT_TRUE(watch.episodes().empty());
  check_all();
}

TEST_F(Invariant, T11_InterruptsThatComeTwiceOrLateCountOnce) {
  inject({.name = "duplicate-interrupt", .probability = kAlways / 2});
  inject({.name = "late-interrupt", .probability = kAlways / 2, .duration = 3 * kNanosPerMilli});
  for (unsigned i = 0; i < 100; ++i) good(i % kRings);
  run_for(2 * kNanosPerSecond);
  EXPECT_TRUE(watch.episodes().empty());
  for (const Tracked& job : innocent->jobs()) EXPECT_EQ(job.error, 0);
  check_all();
}

TEST_F(Invariant, T12_EachStepThatFailsIsFollowedByTheNextWithinItsBound) {
  for (const char* mute : {"mute-queue-reset", "mute-engine-reset", "mute-gpu-reset"})
    inject({.name = mute, .probability = kAlways});
  bad("endless-wait");
  run_for(3 * kNanosPerSecond);
  ASSERT_EQ(watch.episodes().size(), 1u);
  const Episode& episode = watch.episodes().front();
  EXPECT_EQ(episode.steps, (Steps{"soft recovery", "queue reset", "engine reset", "GPU reset"}));
  EXPECT_TRUE(episode.wedged);
  const base::Nanos bounds[] = {10, 100, 200, 1000};
  for (size_t i = 0; i < 4; ++i) {
    const base::Nanos end = i < 3 ? episode.step_times[i + 1] : episode.ended;
    EXPECT_GE(end - episode.step_times[i], bounds[i] * kNanosPerMilli);
    EXPECT_LE(end - episode.step_times[i], bounds[i] * kNanosPerMilli + 50 * kNanosPerMicro);
  }
}

TEST_F(Invariant, T13_EmissionIdsPassWhatThirtyTwoBitsHold) {
  start(kTimeout, 0xffff'fffc);
  for (int round = 0; round < 3; ++round) {
    for (unsigned ring = 0; ring < kRings; ++ring) {
      bad("endless-wait", ring);
      good(ring);
      good(ring);
    }
    run_for(kNanosPerSecond);
  }
  for (const Tracked& job : innocent->jobs()) EXPECT_EQ(job.error, 0);
  for (const Tracked& job : guilty->jobs()) EXPECT_EQ(job.error, -ETIME);
  EXPECT_EQ(watch.episodes().size(), 3u * kRings);
  check_all();
}

TEST_F(Invariant, T14_AHangInTheRingTestIsTriedOnceMoreThenTheDeviceIsWedged) {
  watch.on_step = [this](const std::string& step) {
    if (step == "GPU reset") inject({.name = "hang", .ring = kComputeRing, .nth = 1});
  };
  const uint32_t done = innocent->client().syncobj();
  const uint32_t context = innocent->new_context();
  drm_fakegpu_monitor monitor = {DRM_FAKEGPU_MONITOR_WEDGED, 0};
  ASSERT_EQ(listener->call(DRM_IOCTL_FAKEGPU_MONITOR, monitor), 0);
  std::vector<drm_fakegpu_event_wedged> told;
  unsigned finished_when_told = 0;
  const auto hear = [&](int, std::span<const std::byte> bytes) {
    ASSERT_EQ(bytes.size(), sizeof(told[0]));
    std::memcpy(&told.emplace_back(), bytes.data(), bytes.size());
    innocent->read_events();
    for (const Tracked& job : innocent->jobs()) finished_when_told += job.events;
  };
  std::byte room[256];
  ASSERT_FALSE(listener->file().read(1, room, false, hear));
  bad("hang-past-engine-reset");
  // In flight, queued, and waited for in every way.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(innocent->submit({context, kGfxRing}));
  ASSERT_TRUE(innocent->submit({.context = context, .ring = kGfxRing, .out = done}));
  int answers = 0;
  const auto count = [&answers](int result, std::span<const std::byte>) {
    EXPECT_EQ(result, 0);
    ++answers;
  };
  drm_syncobj_wait wait = {};
  wait.handles = reinterpret_cast<uintptr_t>(&done);
  wait.count_handles = 1;
  wait.timeout_nsec = INT64_MAX;
  ASSERT_FALSE(innocent->client().start(DRM_IOCTL_SYNCOBJ_WAIT, wait, count));
  drm_fakegpu_wait_seqno seqno = {};
  seqno.ctx_id = context;
  seqno.ring = kGfxRing;
  seqno.seqno = 21;
  seqno.timeout_nsec = INT64_MAX;
  ASSERT_FALSE(innocent->client().start(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, seqno, count));
  run_for(5 * kNanosPerSecond);
  ASSERT_EQ(watch.episodes().size(), 1u);
  EXPECT_EQ(watch.episodes()[0].steps,
            (Steps{"soft recovery", "queue reset", "engine reset", "GPU reset", "GPU reset"}));
  EXPECT_TRUE(watch.wedged());
  EXPECT_EQ(answers, 2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].recovery,
            DRM_FAKEGPU_WEDGE_RECOVERY_REBIND | DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET);
  EXPECT_EQ(finished_when_told, 21u);
  EXPECT_EQ(listener->file().poll(nullptr), 0) << "a second event";
  check_all();
  int refusal = 0;
  for (unsigned ring = 0; ring < kRings; ++ring) {
    innocent->submit({context, ring}, &refusal);
    EXPECT_EQ(refusal, -ENODEV);
  }
  EXPECT_EQ(machine->machine().census().jobs, 0u);
  EXPECT_EQ(machine->machine().census().waits, 0u);
}

TEST_F(Invariant, T14_AHangInOneRingTestOnlyCostsOneMoreReset) {
  watch.on_step = [this, first = true](const std::string& step) mutable {
    if (step == "GPU reset" && std::exchange(first, false))
      inject({.name = "hang", .ring = kComputeRing, .nth = 1});
  };
  bad("hang-past-engine-reset");
  const Tracked* job = good();
  run_for(5 * kNanosPerSecond);
  EXPECT_EQ(watch.episodes().size(), 1u);
  EXPECT_FALSE(watch.wedged());
  EXPECT_EQ(job->error, 0);
  check_all();
}

TEST_F(Invariant, T15_TheDumpShowsTheHangWhateverEndedIt) {
  // All but what it says of the recovery itself.
  const auto dump = [this] {
    std::string text(65536, 0);
    drm_fakegpu_coredump arg = {};
    arg.data = reinterpret_cast<uintptr_t>(text.data());
    arg.size = static_cast<uint32_t>(text.size());
    Client root(*machine);
    EXPECT_EQ(root.call(DRM_IOCTL_FAKEGPU_COREDUMP, arg), 0);
    text.resize(arg.size);
    const size_t recovery = text.find("\nRecovery\n");
    EXPECT_NE(recovery, text.npos);
    return std::pair(text.substr(0, recovery), text.substr(recovery));
  };
  std::string of_soft_recovery;
  const auto hang_and_dump = [&](std::string_view ended_by) {
    bad("hang-wave");
    for (unsigned ring = 0; ring < kRings; ++ring) good(ring);
    run_for(5 * kNanosPerSecond);
    const auto [hang, recovery] = dump();
    EXPECT_NE(recovery.find(ended_by), recovery.npos) << recovery;
    if (of_soft_recovery.empty()) of_soft_recovery = hang;
    EXPECT_EQ(hang, of_soft_recovery);
  };
  hang_and_dump("soft recovery");
  EXPECT_NE(of_soft_recovery.find("HANG mode=wave"), of_soft_recovery.npos);
  EXPECT_NE(of_soft_recovery.find("RING_STATUS: 0x00000009"), of_soft_recovery.npos);
  const char* const mutes[] = {"mute-kill", "mute-queue-reset", "mute-engine-reset", "vram-loss"};
  const char* const steps[] = {"queue reset", "engine reset", "GPU reset", "GPU reset"};
  for (size_t failing = 1; failing <= std::size(mutes); ++failing) {
    start();
    for (size_t i = 0; i < failing; ++i) inject({.name = mutes[i], .probability = kAlways});
    hang_and_dump(steps[failing - 1]);
  }
}

}  // namespace
}  // namespace fakegpu::tests
