// SPDX-License-Identifier: MIT
// The chip on real threads. What these tests find they find under TSan or by hanging.
#include <atomic>
#include <optional>
#include <thread>

#include "base/real_executor.h"
#include "rig.h"
#include "serial_task.h"

namespace fakegpu::hw {
namespace {

// Spins until `done`; the time limit only keeps a failure from hanging.
template <typename Condition>
testing::AssertionResult reached(Condition done) {
  const base::MonotonicClock clock;
  const base::Nanos limit = clock.now() + 20 * base::kNanosPerSecond;
  while (!done()) {
    if (clock.now() > limit) return testing::AssertionFailure() << "not reached";
    std::this_thread::yield();
  }
  return testing::AssertionSuccess();
}

struct Threads : testing::Test {
  ~Threads() override {
    rig.function().set_interrupt_handler(nullptr);
    executor.stop();
  }
  uint64_t value(PhysAddr at) { return std::atomic_ref(rig.qword(at)).load(); }

  base::RealExecutor executor{3};
  ChipRig rig{small_profile(), const_cast<base::Clock&>(executor.clock()), executor};
};

Words fence(PhysAddr at, uint64_t value) {
  return words(pm4::ReleaseMem{
      .interrupt = pm4::ReleaseMem::Interrupt::kAfterWrite, .address = at, .data = value});
}

TEST_F(Threads, DoorbellStormLosesNoWakeup) {
  constexpr uint64_t kJobs = 20'000;
  const auto client = [&](unsigned ring) {
    const PhysAddr at = kFree + 64 * ring;
    for (uint64_t job = 1; job <= kJobs; ++job) {
      rig.submit(ring, fence(at, job));
      // Now and then the ring runs dry, so that it must be woken.
      if (job % 7 == 0 || job % 64 == 0) {
        ASSERT_TRUE(reached([&] { return value(at) == job; })) << "ring " << ring;
      }
    }
    ASSERT_TRUE(reached([&] { return value(at) == kJobs; }));
  };
  std::thread one(client, kGfx), two(client, kCompute);
  one.join();
  two.join();
}

TEST_F(Threads, ResetsHitRunningRings) {
  const auto& memory = rig.function().memory();
  ASSERT_FALSE(memory.at(0, 1).empty());
  for (int round = 0; round < 300; ++round) {
    const Words job =
        round % 3 == 0
            ? words(pm4::DmaData{.source_address = 0, .address = 8u << 20, .bytes = 4u << 20})
        : round % 3 == 1
            ? words(pm4::Work{.units = 1000, .unit_ns = 1000, .progress_address = kFree + 64})
            : words(pm4::WaitRegMem{.address = kFree + 128, .reference = 1});
    rig.submit(kGfx, job + job + fence(kFree, 1));
    if (round % 2) std::this_thread::yield();
    rig.set_reg(kGfx, reg::kRingReset, 1);
    ASSERT_TRUE(reached([&] { return rig.reg(kGfx, reg::kRingReset) == 0; }));
    ASSERT_EQ(rig.status(kGfx), 0u);
    rig.start_ring(kGfx);
    rig.submit(kGfx, fence(kFree + 8, static_cast<uint64_t>(round) + 1));
    ASSERT_TRUE(reached([&] { return value(kFree + 8) == static_cast<uint64_t>(round) + 1; }));
  }
}

TEST_F(Threads, KillsFreeHungRings) {
  for (uint64_t round = 1; round <= 300; ++round) {
    rig.submit(kGfx, words(pm4::Hang{}) + fence(kFree, round));
    ASSERT_TRUE(reached([&] {
      rig.set_reg(kGfx, reg::kRingKillWaves, 0);
      return value(kFree) == round;
    }));
  }
}

TEST_F(Threads, InvalidationIsDoneWhenNobodyUsesTheOldPages) {
  rig.map(3, 0x100000, kFree, 16 * kPageSize);
  // An engine that writes the page all the time, by an IB that is chained to itself.
  const Words one = {1};
  const Words loop = words(pm4::WriteData{.address = 0x108000, .data = one},
                           pm4::IndirectBuffer{.address = 0x100000, .dwords = 9, .chain = true});
  rig.put(kFree, loop);
  rig.submit(kGfx, words(pm4::IndirectBuffer{.address = 0x100000, .dwords = 9, .vmid = 3}));
  const auto flag = [&](PhysAddr at) { return std::atomic_ref(rig.dword(at)); };
  for (int round = 0; round < 200; ++round) {
    const PhysAddr now = kFree + (round % 2 ? 0x8000 : 0x20000);
    const PhysAddr next = kFree + (round % 2 ? 0x20000 : 0x8000);
    rig.map(3, 0x108000, next, kPageSize);
    rig.invalidate(3);
    ASSERT_TRUE(reached([&] { return rig.function().read32(reg::kVmInvalidate) == 0; }));
    flag(now).store(0);
    ASSERT_TRUE(reached([&] { return flag(next).load() == 1; }));
    ASSERT_EQ(flag(now).load(), 0u);
  }
  rig.set_reg(kGfx, reg::kRingReset, 1);
  ASSERT_TRUE(reached([&] { return rig.reg(kGfx, reg::kRingReset) == 0; }));
}

TEST_F(Threads, HandlerRunsOnceAtATimeAndNotAfterItsExchange) {
  std::atomic<int> inside{0}, calls{0};
  for (int round = 0; round < 100; ++round) {
    std::atomic<bool> gone{false};
    rig.function().set_interrupt_handler([&] {
      EXPECT_EQ(inside.fetch_add(1), 0);
      EXPECT_FALSE(gone);
      ++calls;
      rig.take_interrupts();
      inside.fetch_sub(1);
    });
    for (const unsigned ring : {kGfx, kCompute, kCompute + 1})
      rig.submit(ring, fence(kFree + 64 * ring, 1));
    if (round % 2) std::this_thread::yield();
    rig.function().set_interrupt_handler(nullptr);
    gone = true;
  }
}

TEST_F(Threads, HandlerMayWaitForSomebodyWhoWaitsForAReset) {
  // The device lock of a driver: held by the one who resets, wanted by the handler.
  std::mutex device;
  std::atomic<bool> called{false};
  rig.function().set_interrupt_handler([&] {
    called = true;
    std::lock_guard lock(device);
  });
  {
    std::lock_guard lock(device);
    rig.submit(kGfx, fence(kFree, 1));
    ASSERT_TRUE(reached([&] { return called.load(); }));
    rig.set_reg(kGfx, reg::kRingReset, 1);
    ASSERT_TRUE(reached([&] { return rig.reg(kGfx, reg::kRingReset) == 0; }));
  }
  rig.function().set_interrupt_handler(nullptr);  // before what it uses goes
}

TEST(SerialTask, RunsOnceAtATimeAndAfterEveryKick) {
  base::RealExecutor executor(3);
  std::atomic<uint64_t> wanted{0}, seen{0};
  std::atomic<int> inside{0};
  SerialTask* self = nullptr;
  SerialTask task(executor, [&] {
    EXPECT_EQ(inside.fetch_add(1), 0);
    seen = wanted.load();
    inside.fetch_sub(1);
    self->leave(false);
  });
  self = &task;
  const auto kicker = [&] {
    for (int i = 0; i < 20'000; ++i) {
      wanted.fetch_add(1);
      if (i % 5 == 0) {
        if (task.try_enter()) task.leave(true);
      } else {
        task.kick();
      }
    }
  };
  std::thread one(kicker), two(kicker);
  one.join();
  two.join();
  EXPECT_TRUE(reached([&] { return seen == 40'000; }));
  executor.stop();
}

TEST(SerialTask, TimerIsReplacedAndForgotten) {
  base::VirtualExecutor executor(1);
  std::vector<base::Nanos> runs;
  SerialTask* self = nullptr;
  SerialTask task(executor, [&] {
    runs.push_back(executor.now());
    self->leave(false);
  });
  self = &task;
  const auto set = [&](base::Nanos when) {
    ASSERT_TRUE(task.try_enter());
    task.set_timer(when);
    task.leave(false);
  };
  set(100);
  set(50);
  executor.run();
  EXPECT_EQ(runs, (std::vector<base::Nanos>{50}));
  set(200);
  set(SerialTask::kNever);
  EXPECT_TRUE(executor.idle());
}

TEST(SerialTaskEnd, WaitsForTheBodyThatRunsAndDropsWhatIsLeft) {
  base::RealExecutor executor(2);
  std::atomic<int> begun{0};
  std::atomic<int> ended{0};
  std::atomic<bool> hold{true};
  std::optional<SerialTask> task;
  task.emplace(executor, [&] {
    ++begun;
    hold.wait(true);
    ++ended;
    task->leave(true);
  });
  task->kick();
  ASSERT_TRUE(reached([&] { return begun.load() == 1; }));
  std::thread releaser([&] {
    hold.store(false);
    hold.notify_all();
  });
  task->end();
  EXPECT_GE(ended.load(), 1);
  const int runs = begun.load();
  EXPECT_EQ(ended.load(), runs);
  task.reset();
  releaser.join();
  executor.stop();
  EXPECT_EQ(begun.load(), runs);
}

}  // namespace
}  // namespace fakegpu::hw
