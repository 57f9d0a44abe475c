// SPDX-License-Identifier: MIT
// The recovery ladder: which step ends which hang, what each costs whom, and what happens when a
// step fails.
#include <algorithm>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;
using Mode = packets::pm4::Hang::Mode;

constexpr uint32_t kGfx = 0;
constexpr uint32_t kCompute = 1;

packets::Words hang(Mode mode) {
  packets::pm4::Hang packet;
  packet.mode = mode;
  return words(packet);
}

packets::Words work(base::Nanos span) {
  packets::pm4::Work packet;
  packet.units = 1;
  packet.unit_ns = static_cast<uint32_t>(span);
  return words(packet);
}

packets::Words operator+(packets::Words a, const packets::Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

drv::Options with_timeout(base::Nanos timeout = 100 * kNanosPerMilli) {
  drv::Options options;
  options.lockup_timeout = {timeout, timeout, timeout};
  return options;
}

// A client with one context per ring, whose jobs store where they ran, and which reads their errors
// from events.
class Party {
 public:
  explicit Party(VirtualMachine& machine) : client_(machine), target_(client_.buffer()) {
    context_ = client_.context();
  }

  uint32_t store(uint32_t ring, base::Nanos length = 0) {
    const uint32_t slot = ++jobs_;
    auto ib = write_dword(target_.va + 4 * slot, slot);
    if (length > 0) ib = work(length) + ib;
    EXPECT_EQ(submit(ring, std::move(ib), slot), 0);
    return slot;
  }
  int submit(uint32_t ring, packets::Words ib, uint64_t job = 0) {
    return client_.submit({.context = context_,
                           .ring = ring,
                           .ibs = {client_.ib(std::move(ib))},
                           .flags = DRM_FAKEGPU_SUBMIT_EVENT,
                           .user_data = job});
  }
  // Of the jobs that have finished since: their errors, by number.
  std::map<uint64_t, int> errors() {
    std::map<uint64_t, int> all;
    std::byte bytes[sizeof(drm_fakegpu_event_fence)];
    while (client_.file().read(1, bytes, true, nullptr) == int{sizeof(bytes)}) {
      drm_fakegpu_event_fence event;
      std::memcpy(&event, bytes, sizeof(event));
      EXPECT_TRUE(all.emplace(event.user_data, event.error).second) << "finished twice";
    }
    return all;
  }
  // Everything stored, nothing failed.
  void expect_all_done() {
    const auto errors = this->errors();
    EXPECT_EQ(errors.size(), jobs_);
    for (const auto& [job, error] : errors) EXPECT_EQ(error, 0) << job;
    for (uint32_t slot = 1; slot <= jobs_; ++slot) EXPECT_EQ(target_.as<uint32_t>()[slot], slot);
  }
  uint32_t flags() {
    drm_fakegpu_ctx_query query = {};
    query.ctx_id = context_;
    EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);
    return query.flags;
  }
  void renew() { context_ = client_.context(); }
  Client& client() { return client_; }
  uint32_t stored(uint32_t slot) { return target_.as<uint32_t>()[slot]; }

 private:
  Client client_;
  Client::Buffer target_;
  uint32_t context_;
  uint32_t jobs_ = 0;
};

// What the trace says of recoveries.
class Steps final : public base::TraceSink {
 public:
  void emit(const base::TraceEvent& event) override {
    if (event.name == "gpu_hang" || event.name.starts_with("gpu_reset_"))
      parts.emplace_back(event.name);
    if (event.name != "gpu_reset_step" && event.name != "gpu_wedged" &&
        event.name != "gpu_reset_end")
      return;
    for (const base::TraceField& field : event.fields)
      if (field.key == "step" && event.name == "gpu_reset_step") steps.emplace_back(field.text);
    if (event.name == "gpu_wedged") steps.emplace_back("wedged");
    if (event.name == "gpu_reset_end") ++ended;
    last = event.when;
  }
  std::vector<std::string> steps;
  std::vector<std::string> parts;
  int ended = 0;
  base::Nanos last = 0;
};

using Names = std::vector<std::string>;
const Names kLadder = {"soft recovery", "queue reset", "engine reset", "GPU reset"};

Names ladder(size_t steps) {
  return {kLadder.begin(), kLadder.begin() + static_cast<ptrdiff_t>(steps)};
}

struct EndCase {
  Mode mode;
  size_t steps;
  int error;
};

class Ends : public testing::TestWithParam<EndCase> {};

TEST_P(Ends, TheStepThatCanAndNoneBeyond) {
  Steps steps;
  VirtualMachine machine(1, with_timeout(), small_profile(), &steps);
  Party guilty(machine);
  Party innocent(machine);
  innocent.store(kGfx);
  ASSERT_EQ(guilty.submit(kGfx, hang(GetParam().mode)), 0);
  for (int i = 0; i < 3; ++i) {
    innocent.store(kGfx, kNanosPerMilli);
    innocent.store(kCompute, 300 * kNanosPerMilli / 10);
  }
  machine.executor().run_for(5 * kNanosPerSecond);
  EXPECT_EQ(steps.steps, ladder(GetParam().steps));
  EXPECT_EQ(guilty.errors(), (std::map<uint64_t, int>{{0, GetParam().error}}));
  innocent.expect_all_done();
  EXPECT_EQ(guilty.flags(), DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
  EXPECT_EQ(innocent.flags(), DRM_FAKEGPU_CTX_RESET);
  EXPECT_EQ(guilty.submit(kGfx, work(1)), -ECANCELED);
  guilty.renew();
  EXPECT_EQ(guilty.flags(), 0u);
  guilty.store(kGfx);
  guilty.store(kCompute);
  machine.executor().run_for(kNanosPerSecond);
  guilty.expect_all_done();
}

INSTANTIATE_TEST_SUITE_P(Modes, Ends,
                         testing::Values(EndCase{Mode::kWave, 1, -ENODATA},
                                         EndCase{Mode::kProcessor, 2, -ETIME},
                                         EndCase{Mode::kIgnoreQueueReset, 3, -ETIME},
                                         EndCase{Mode::kSurviveSoftReset, 4, -ETIME}));

TEST(Trace, HasEachPartOfARecovery) {
  Steps steps;
  VirtualMachine machine(1, with_timeout(), small_profile(), &steps);
  Party guilty(machine);
  ASSERT_EQ(guilty.submit(kGfx, hang(Mode::kProcessor)), 0);
  machine.executor().run_for(kNanosPerSecond);
  EXPECT_EQ(steps.parts, (Names{"gpu_hang", "gpu_reset_begin", "gpu_reset_step", "gpu_reset_step",
                                "gpu_reset_test", "gpu_reset_settle", "gpu_reset_end"}));
}

class Ladder : public testing::Test {
 protected:
  void start(drv::Options options = with_timeout(), uint64_t seed = 1) {
    machine.emplace(seed, std::move(options), small_profile(), &steps);
    guilty.emplace(*machine);
    innocent.emplace(*machine);
  }
  void TearDown() override {
    guilty.reset();
    innocent.reset();
    machine.reset();
  }
  void inject(const char* name, uint64_t nth = 1) {
    ASSERT_TRUE(machine->machine().faults().inject({.name = name, .nth = nth}));
  }
  void run_for(base::Nanos span) { machine->executor().run_for(span); }

  Steps steps;
  std::optional<VirtualMachine> machine;
  std::optional<Party> guilty;
  std::optional<Party> innocent;
};

TEST_F(Ladder, AStepThatIsNotAnsweredIsFollowedByTheNextWithinItsBound) {
  start();
  inject("mute-queue-reset");
  inject("mute-engine-reset");
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor)), 0);
  innocent->store(kGfx);
  const base::Nanos begin = machine->now();
  run_for(kNanosPerSecond);
  EXPECT_EQ(steps.steps, ladder(4));
  innocent->expect_all_done();
  // The timeout, the bounds of the three steps, and the reset itself.
  EXPECT_LE(steps.last - begin, (100 + 10 + 100 + 200 + 5) * kNanosPerMilli);
}

TEST_F(Ladder, AQueueThatStoppedByItselfHasNoWavesToKill) {
  start();
  ASSERT_EQ(guilty->submit(kGfx, {0xc0007700, 0}), 0);
  innocent->store(kGfx);
  run_for(50 * kNanosPerMilli);
  EXPECT_EQ(steps.steps, Names{"queue reset"});
  innocent->expect_all_done();
}

TEST_F(Ladder, AChipThatDoesNotComeBackIsWedgedAndReleasesEverybody) {
  start();
  inject("mute-gpu-reset");
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kSurviveSoftReset), 7), 0);
  for (int i = 0; i < 40; ++i) innocent->store(i % 7 < 5 ? kGfx : kCompute, 50 * kNanosPerMilli);
  run_for(10 * kNanosPerSecond);
  EXPECT_EQ(steps.steps.back(), "wedged");
  EXPECT_EQ(std::ranges::count(steps.steps, std::string("wedged")), 1);
  EXPECT_EQ(guilty->errors().at(7), -ETIME);
  const auto errors = innocent->errors();
  EXPECT_EQ(errors.size(), 40u);
  EXPECT_EQ(innocent->submit(kGfx, work(1)), -ENODEV);
  EXPECT_EQ(innocent->submit(kCompute, work(1)), -ENODEV);
  EXPECT_EQ(innocent->flags() & DRM_FAKEGPU_CTX_GUILTY, 0u);
}

TEST_F(Ladder, LostVramEndsOlderContextsAndNoOthers) {
  start();
  inject("vram-loss");
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kSurviveSoftReset)), 0);
  const uint32_t slot = innocent->store(kGfx);
  run_for(2 * kNanosPerSecond);
  EXPECT_EQ(innocent->errors().at(slot), -ECANCELED);
  EXPECT_EQ(innocent->stored(slot), 0u);
  EXPECT_EQ(innocent->flags(), DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_VRAM_LOST);
  EXPECT_EQ(guilty->flags(),
            DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_VRAM_LOST | DRM_FAKEGPU_CTX_GUILTY);
  EXPECT_EQ(innocent->submit(kGfx, work(1)), -ECANCELED);
  // Page tables were in VRAM too; the same address space works again.
  innocent->renew();
  EXPECT_EQ(innocent->flags(), 0u);
  const uint32_t again = innocent->store(kGfx);
  run_for(kNanosPerSecond);
  EXPECT_EQ(innocent->errors().at(again), 0);
  EXPECT_EQ(innocent->stored(again), again);
}

TEST_F(Ladder, ResetInProgressIsSeenWhileItIs) {
  start();
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor)), 0);
  run_for(99 * kNanosPerMilli);
  EXPECT_EQ(innocent->flags(), 0u);
  run_for(2 * kNanosPerMilli);
  EXPECT_EQ(innocent->flags() & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS,
            DRM_FAKEGPU_CTX_RESET_IN_PROGRESS);
  run_for(50 * kNanosPerMilli);
  EXPECT_EQ(innocent->flags(), DRM_FAKEGPU_CTX_RESET);
}

TEST_F(Ladder, HangsOfManyRingsAreEndedByOneGpuReset) {
  start();
  std::vector<std::unique_ptr<Party>> parties;
  for (const uint32_t ring : {0u, 1u, 2u, 3u, 4u}) {
    parties.push_back(std::make_unique<Party>(*machine));
    ASSERT_EQ(parties.back()->submit(ring, hang(Mode::kSurviveSoftReset), ring), 0);
    innocent->store(ring);
  }
  run_for(5 * kNanosPerSecond);
  EXPECT_EQ(steps.ended, 1);
  for (const auto& party : parties) {
    const auto errors = party->errors();
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors.begin()->second, -ETIME);
  }
  innocent->expect_all_done();
}

TEST_F(Ladder, AJobThatEndsJustInTimeIsNoHang) {
  start();
  innocent->store(kGfx, 100 * kNanosPerMilli - 10'000);
  innocent->store(kGfx, 90 * kNanosPerMilli);
  run_for(kNanosPerSecond);
  EXPECT_TRUE(steps.steps.empty());
  EXPECT_EQ(innocent->flags(), 0u);
  innocent->expect_all_done();
}

TEST_F(Ladder, ALostDoorbellIsRungAgain) {
  start();
  inject("stuck-doorbell");
  innocent->store(kGfx);
  run_for(2 * kNanosPerSecond);
  EXPECT_TRUE(steps.steps.empty());
  innocent->expect_all_done();
}

TEST_F(Ladder, ALostInterruptIsNoHang) {
  start();
  inject("lost-interrupt");
  innocent->store(kGfx);
  run_for(kNanosPerSecond);
  EXPECT_TRUE(steps.steps.empty());
  innocent->expect_all_done();
}

TEST_F(Ladder, AStepAfterWhichTheRingFailsItsTestIsFollowedByTheNext) {
  for (size_t failed = 1; failed <= 2; ++failed) {
    start();
    for (size_t i = 0; i < failed; ++i)
      ASSERT_TRUE(machine->machine().faults().inject(
          {.name = "failed-ring-test", .ring = 0, .nth = 1 + i}));
    ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor)), 0);
    innocent->store(kGfx);
    run_for(2 * kNanosPerSecond);
    EXPECT_EQ(steps.steps, ladder(2 + failed));
    innocent->expect_all_done();
    TearDown();
    steps = {};
  }
}

TEST_F(Ladder, ASlowStepIsWaitedForWithinItsBound) {
  for (const base::Nanos longer : {50, 150}) {
    start();
    ASSERT_TRUE(machine->machine().faults().inject(
        {.name = "slow-reset", .ring = 0, .nth = 1, .duration = longer * kNanosPerMilli}));
    ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor)), 0);
    innocent->store(kGfx);
    run_for(2 * kNanosPerSecond);
    EXPECT_EQ(steps.steps, ladder(longer < 100 ? 2 : 3));
    innocent->expect_all_done();
    TearDown();
    steps = {};
  }
}

TEST_F(Ladder, KarmaGivesASecondChance) {
  drv::Options options = with_timeout();
  options.recovery = "karma";
  start(options);
  // Hangs once only, through no fault of its own.
  inject("mute-kill");
  ASSERT_TRUE(machine->machine().faults().inject({.name = "hang", .ring = 0, .nth = 3}));
  innocent->store(kGfx);
  innocent->store(kGfx);
  run_for(2 * kNanosPerSecond);
  EXPECT_EQ(steps.ended, 1);
  innocent->expect_all_done();
  EXPECT_EQ(innocent->flags(), DRM_FAKEGPU_CTX_RESET);

  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor), 7), 0);
  const uint32_t slot = innocent->store(kGfx);
  run_for(2 * kNanosPerSecond);
  EXPECT_EQ(steps.ended, 3);
  EXPECT_EQ(guilty->errors().at(7), -ETIME);
  EXPECT_EQ(innocent->errors().at(slot), 0);
  EXPECT_NE(guilty->flags() & DRM_FAKEGPU_CTX_GUILTY, 0u);
}

TEST_F(Ladder, CancelAllEndsWhoHadSomethingInFlight) {
  drv::Options options = with_timeout();
  options.recovery = "cancel-all";
  start(options);
  Party idle(*machine);
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor), 7), 0);
  const uint32_t hit = innocent->store(kGfx);
  const uint32_t elsewhere = innocent->store(kCompute);
  run_for(kNanosPerSecond);
  EXPECT_EQ(guilty->errors().at(7), -ETIME);
  const auto errors = innocent->errors();
  EXPECT_EQ(errors.at(hit), -ECANCELED);
  EXPECT_EQ(errors.at(elsewhere), 0);
  EXPECT_EQ(innocent->submit(kGfx, work(1)), -ECANCELED);
  EXPECT_EQ(innocent->submit(kCompute, work(1)), 0);
  EXPECT_EQ(innocent->flags(), DRM_FAKEGPU_CTX_RESET);
  idle.store(kGfx);
  run_for(kNanosPerSecond);
  idle.expect_all_done();
}

TEST_F(Ladder, AsLinux612TheLastErrorWins) {
  drv::Options options = with_timeout();
  options.as_6_12 = true;
  start(options);
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kProcessor), 7), 0);
  run_for(kNanosPerSecond);
  EXPECT_EQ(guilty->errors().at(7), -ECANCELED);
  EXPECT_EQ(guilty->flags(), DRM_FAKEGPU_CTX_RESET);
  EXPECT_EQ(guilty->submit(kGfx, work(1)), -ECANCELED);
  guilty->renew();
  ASSERT_EQ(guilty->submit(kGfx, hang(Mode::kSurviveSoftReset), 8), 0);
  run_for(2 * kNanosPerSecond);
  EXPECT_EQ(guilty->flags(), DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
}

TEST_F(Ladder, AnUnknownPolicyIsRefused) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  drv::Options options;
  options.recovery = "hope";
  const auto refused = drv::Machine::create(small_profile(), options, executor, executor, tracer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), EINVAL);
}

TEST_F(Ladder, EmissionsDoNotBeginAtNone) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  drv::Options options;
  options.first_emission = 0;
  const auto refused = drv::Machine::create(small_profile(), options, executor, executor, tracer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), EINVAL);
}

}  // namespace
}  // namespace fakegpu::tests
