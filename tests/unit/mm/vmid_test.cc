// SPDX-License-Identifier: MIT
#include "mm/vmid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "fixture.h"
#include "hw/registers.h"

namespace fakegpu::mm::test {
namespace {

using fence::FenceRef;
using testing::ElementsAre;
using testing::IsEmpty;

// Registers as a bare array; remembers what was invalidated.
class ArrayFunction final : public hw::Function {
 public:
  explicit ArrayFunction(hw::Memory& memory) : memory_(memory) {}

  uint32_t read32(uint32_t offset) override { return registers_[offset / 4]; }
  void write32(uint32_t offset, uint32_t value) override {
    if (offset == hw::reg::kVmInvalidate) {
      invalidated.push_back(value);
      registers_[offset / 4] = stuck ? value : 0;
    } else {
      registers_[offset / 4] = value;
    }
  }
  void ring_doorbell(unsigned, uint64_t) override {}
  hw::Memory& memory() override { return memory_; }
  void set_interrupt_handler(base::UniqueFunction<void()>) override {}

  void finish_invalidation() { registers_[hw::reg::kVmInvalidate / 4] = 0; }

  std::vector<uint32_t> invalidated;
  bool stuck = false;  // invalidations never finish

 private:
  hw::Memory& memory_;
  std::array<uint32_t, hw::reg::kApertureBytes / 4> registers_{};
};

class VmidTest : public testing::Test {
 protected:
  static constexpr unsigned kUsable = VmidManager::kCount - 1;

  AddressSpaceRef make_space() {
    return *AddressSpace::create(world_.manager, world_.driver.arena, world_.driver.usage);
  }
  std::vector<AddressSpaceRef> make_spaces(unsigned count) {
    std::vector<AddressSpaceRef> spaces;
    for (unsigned i = 0; i < count; ++i) spaces.push_back(make_space());
    return spaces;
  }
  FenceRef make_fence(uint64_t ring = 1) {
    return base::make_ref<fence::ManualFence>(ring, ++seqno_, "ring");
  }
  // One job: granted and emitted.
  VmidManager::Grant run(const AddressSpaceRef& space, const FenceRef& done) {
    EXPECT_FALSE(vmids_.busy(*space));
    const auto grant = vmids_.grab(space);
    vmids_.used(grant.vmid, done);
    return grant;
  }
  // The same, and it has ended.
  VmidManager::Grant run(const AddressSpaceRef& space) {
    const FenceRef done = make_fence();
    const auto grant = run(space, done);
    done->signal(1);
    return grant;
  }
  // Binds and unbinds a page.
  void shrink(AddressSpace& space) {
    const BoRef page = world_.must_create({.size = kPage}, world_.client);
    ASSERT_TRUE(space.bind(kVaStart, page, 0, kPage, false));
    ASSERT_TRUE(space.unbind(kVaStart));
  }

  World world_;
  ArrayFunction function_{*world_.memory};
  VmidManager vmids_{function_};
  uint64_t seqno_ = 0;
};

TEST_F(VmidTest, TheKernelsVmidIsNeverGranted) {
  std::set<unsigned> granted;
  const auto spaces = make_spaces(kUsable);
  for (const auto& space : spaces) granted.insert(run(space).vmid);
  EXPECT_EQ(granted.size(), kUsable);
  EXPECT_EQ(*granted.begin(), 1u);
  EXPECT_EQ(*granted.rbegin(), kUsable);
}

TEST_F(VmidTest, ASpaceKeepsItsVmidAndFlushesOnce) {
  const auto space = make_space();
  const auto first = run(space);
  EXPECT_TRUE(first.needs_flush);
  const auto second = run(space);
  EXPECT_EQ(second.vmid, first.vmid);
  EXPECT_FALSE(second.needs_flush);
}

TEST_F(VmidTest, UntilTheFlushHasRunEveryFrameFlushes) {
  const auto space = make_space();
  const FenceRef slow = make_fence(1);
  EXPECT_TRUE(run(space, slow).needs_flush);
  // Another ring may come to its frame before ring 1 does.
  const FenceRef other = make_fence(2);
  EXPECT_TRUE(run(space, other).needs_flush);
  slow->signal(1);
  EXPECT_FALSE(run(space).needs_flush);
}

TEST_F(VmidTest, AKilledFrameDoesNotCountAsFlushed) {
  const auto space = make_space();
  const FenceRef killed = make_fence();
  run(space, killed);
  killed->set_error(-ECANCELED);
  killed->signal(1);
  EXPECT_TRUE(run(space).needs_flush);
  EXPECT_FALSE(run(space).needs_flush);
}

TEST_F(VmidTest, AnUnbindMakesTheNextFrameFlush) {
  const auto space = make_space();
  run(space);
  shrink(*space);
  EXPECT_TRUE(run(space).needs_flush);
  EXPECT_FALSE(run(space).needs_flush);
}

TEST_F(VmidTest, AnUnbindDuringAFlushNeedsAnother) {
  const auto space = make_space();
  const FenceRef first = make_fence(1);
  run(space, first);
  shrink(*space);
  const FenceRef second = make_fence(2);
  EXPECT_TRUE(run(space, second).needs_flush);
  first->signal(1);
  EXPECT_TRUE(run(space, make_fence(3)).needs_flush);
  second->signal(1);
  EXPECT_FALSE(run(space, make_fence(4)).needs_flush);
}

TEST_F(VmidTest, InvalidateDropsTheSpacesTranslationsOnly) {
  const auto spaces = make_spaces(3);
  vmids_.invalidate(*spaces[0]);
  EXPECT_THAT(function_.invalidated, IsEmpty());
  run(spaces[0]);
  const unsigned vmid = run(spaces[1]).vmid;
  shrink(*spaces[1]);
  vmids_.invalidate(*spaces[1]);
  vmids_.invalidate(*spaces[2]);
  EXPECT_THAT(function_.invalidated, ElementsAre(1u << vmid));
}

TEST_F(VmidTest, AFinishedInvalidationSavesTheFlush) {
  const auto space = make_space();
  run(space);
  EXPECT_FALSE(run(space).needs_flush);
  shrink(*space);
  vmids_.invalidate(*space);
  EXPECT_FALSE(run(space).needs_flush);
}

TEST_F(VmidTest, APendingInvalidationDoesNot) {
  const auto space = make_space();
  run(space);
  run(space);
  shrink(*space);
  function_.stuck = true;
  vmids_.invalidate(*space);
  EXPECT_TRUE(run(space).needs_flush);
}

TEST_F(VmidTest, AnInvalidationDoesNotStandForTheLoadOfTheBase) {
  const auto space = make_space();
  const FenceRef slow = make_fence(1);
  run(space, slow);
  vmids_.invalidate(*space);
  EXPECT_TRUE(run(space, make_fence(2)).needs_flush);
}

TEST_F(VmidTest, TwentySpacesTakeTurnsAndTheLeastRecentLoses) {
  const auto spaces = make_spaces(20);
  std::vector<unsigned> vmids;
  for (unsigned i = 0; i < kUsable; ++i) vmids.push_back(run(spaces[i]).vmid);
  // Used again, so not the oldest any more.
  run(spaces[0]);

  for (unsigned i = kUsable; i < 20; ++i) {
    const auto grant = run(spaces[i]);
    EXPECT_EQ(grant.vmid, vmids[i - kUsable + 1]);
    EXPECT_TRUE(grant.needs_flush);
  }
  EXPECT_FALSE(run(spaces[0]).needs_flush);
  // The loser comes back, at another's cost, and has to load its tables again.
  const auto back = run(spaces[1]);
  EXPECT_EQ(back.vmid, vmids[6]);
  EXPECT_TRUE(back.needs_flush);
}

TEST_F(VmidTest, AVmidInUseIsNotStolen) {
  const auto spaces = make_spaces(20);
  std::vector<FenceRef> fences;
  std::vector<unsigned> vmids;
  for (unsigned i = 0; i < kUsable; ++i) {
    fences.push_back(make_fence(i + 1));
    vmids.push_back(run(spaces[i], fences[i]).vmid);
  }
  // All are in use: the newcomer waits for the one that was used least recently.
  EXPECT_EQ(vmids_.busy(*spaces[15]), fences[0]);
  // Who has one never waits.
  EXPECT_FALSE(vmids_.busy(*spaces[7]));

  fences[7]->signal(1);
  EXPECT_FALSE(vmids_.busy(*spaces[15]));
  EXPECT_EQ(run(spaces[15], make_fence(99)).vmid, vmids[7]);
  EXPECT_EQ(vmids_.busy(*spaces[16]), fences[0]);
  EXPECT_EQ(vmids_.busy(*spaces[7]), fences[1]);
}

class PromiseTest : public VmidTest {
 protected:
  // Every VMID is in use, by the first spaces.
  void SetUp() override {
    for (unsigned i = 0; i < kUsable; ++i) vmids.push_back(start(i));
  }
  unsigned start(unsigned i) { return run(spaces[i], fences[i] = make_fence(i + 1)).vmid; }
  FenceRef busy(unsigned i) { return vmids_.busy(*spaces[i]); }

  std::vector<AddressSpaceRef> spaces = make_spaces(3 * kUsable);
  std::vector<FenceRef> fences{3 * kUsable};
  std::vector<unsigned> vmids;
};

TEST_F(PromiseTest, IsKeptAgainstWhoHasTheVmid) {
  ASSERT_EQ(busy(15), fences[0]);
  EXPECT_EQ(busy(0), fences[1]) << "asks anew";
  EXPECT_EQ(busy(0), fences[1]);
  EXPECT_FALSE(busy(2)) << "whose is not promised to anybody";
  fences[0]->signal(1);
  EXPECT_EQ(busy(0), fences[1]);
  EXPECT_FALSE(busy(15));
  EXPECT_EQ(start(15), vmids[0]);
  EXPECT_EQ(busy(1), fences[2]);
  fences[1]->signal(1);
  EXPECT_EQ(start(0), vmids[1]);
}

TEST_F(PromiseTest, LastsUntilTheVmidIsIdle) {
  // Of other rings.
  std::vector<FenceRef> more;
  for (unsigned i = 0; i < kUsable; ++i) run(spaces[i], more.emplace_back(make_fence(100 + i)));
  ASSERT_EQ(busy(15), more[0]);
  more[0]->signal(1);
  EXPECT_EQ(busy(15), fences[0]);
  EXPECT_TRUE(busy(0));
}

TEST_F(PromiseTest, IsServedInTheOrderOfAsking) {
  for (unsigned i = 0; i < kUsable; ++i) ASSERT_EQ(busy(kUsable + i), fences[i]);
  const unsigned late = 2 * kUsable;
  EXPECT_TRUE(busy(late)) << "every VMID is promised";
  EXPECT_TRUE(busy(late + 1));
  fences[3]->signal(1);
  EXPECT_TRUE(busy(late + 1));
  EXPECT_TRUE(busy(late));
  EXPECT_EQ(start(kUsable + 3), vmids[3]);
  EXPECT_EQ(busy(late), fences[kUsable + 3]) << "the next that is promised to nobody";
  EXPECT_NE(busy(late + 1), fences[kUsable + 3]);
  fences[kUsable + 3]->signal(1);
  EXPECT_TRUE(busy(late + 1));
  EXPECT_EQ(start(late), vmids[3]);
}

TEST_F(PromiseTest, EndsWhenTheSpaceGetsAnother) {
  ASSERT_EQ(busy(15), fences[0]);
  fences[9]->signal(1);
  EXPECT_EQ(start(15), vmids[9]);
  EXPECT_FALSE(busy(0));
}

TEST_F(PromiseTest, EndsWhenTheSpaceGoesAwayOrWithdraws) {
  ASSERT_EQ(busy(15), fences[0]);
  ASSERT_EQ(busy(16), fences[1]);
  spaces[15].reset();
  EXPECT_FALSE(busy(0));
  EXPECT_TRUE(busy(1));
  VmidManager::withdraw(*spaces[16]);
  EXPECT_FALSE(busy(1));
  VmidManager::withdraw(*spaces[16]);
}

TEST_F(PromiseTest, LeavesASpaceWithWhatItGotInstead) {
  ASSERT_EQ(busy(15), fences[0]);
  ASSERT_EQ(busy(0), fences[1]);
  fences[1]->signal(1);
  // Its jobs under the old VMID have not ended.
  const FenceRef done = make_fence(99);
  EXPECT_EQ(run(spaces[0], done).vmid, vmids[1]);
  EXPECT_FALSE(busy(0));
  EXPECT_EQ(run(spaces[0], done).vmid, vmids[1]);
}

TEST_F(PromiseTest, OfWhoWithdrawsGoesToTheNextInLine) {
  for (unsigned i = 0; i < kUsable; ++i) ASSERT_EQ(busy(kUsable + i), fences[i]);
  ASSERT_TRUE(busy(2 * kUsable));
  VmidManager::withdraw(*spaces[kUsable + 4]);
  EXPECT_TRUE(busy(4));
  EXPECT_EQ(busy(2 * kUsable), fences[4]);
}

TEST_F(PromiseTest, DoesNotStopEverybodyWhenNobodyComes) {
  for (unsigned i = 0; i < kUsable; ++i) ASSERT_EQ(busy(kUsable + i), fences[i]);
  const unsigned late = 2 * kUsable;
  ASSERT_TRUE(busy(late));
  for (unsigned i = 0; i < kUsable; ++i) {
    EXPECT_TRUE(busy(late)) << "another one is in use";
    fences[i]->signal(1);
  }
  EXPECT_FALSE(busy(late));
  EXPECT_EQ(start(late), vmids[0]);
  EXPECT_EQ(busy(kUsable), fences[late]) << "first in line for the next";
  fences[late]->signal(1);
  EXPECT_EQ(start(kUsable), vmids[0]);
}

TEST_F(PromiseTest, DoesNotHinderWhatIsEmittedAgain) {
  ASSERT_EQ(busy(15), fences[0]);
  ASSERT_TRUE(busy(0));
  EXPECT_EQ(vmids_.grab_again(spaces[0]).vmid, vmids[0]);
  const FenceRef again = make_fence(99);
  vmids_.used(vmids[0], again);
  fences[0]->signal(1);
  EXPECT_EQ(busy(15), again) << "and is kept";
  again->signal(1);
  EXPECT_EQ(start(15), vmids[0]);
}

TEST_F(PromiseTest, IsForgottenByAReset) {
  for (unsigned i = kUsable; i < spaces.size(); ++i) ASSERT_TRUE(busy(i));
  vmids_.reset();
  for (unsigned i = 0; i < kUsable; ++i) start(i);
  EXPECT_FALSE(busy(0));
  EXPECT_EQ(busy(15), fences[0]);
}

TEST_F(VmidTest, AVmidIsBusyUntilAllItsRingsAreDone) {
  const auto spaces = make_spaces(16);
  const FenceRef gfx = make_fence(1);
  const FenceRef compute_old = make_fence(2);
  const FenceRef compute = make_fence(2);
  run(spaces[0], gfx);
  run(spaces[0], compute_old);
  run(spaces[0], compute);
  std::vector<FenceRef> fences;
  for (unsigned i = 1; i < kUsable; ++i) run(spaces[i], fences.emplace_back(make_fence(100 + i)));

  EXPECT_EQ(vmids_.busy(*spaces[15]), compute);
  gfx->signal(1);
  compute_old->signal(1);
  EXPECT_EQ(vmids_.busy(*spaces[15]), compute);
  compute->signal(1);
  EXPECT_FALSE(vmids_.busy(*spaces[15]));
}

TEST_F(VmidTest, FencesOfOneRingDoNotPileUp) {
  const auto space = make_space();
  std::vector<FenceRef> fences;
  for (int i = 0; i < 1000; ++i) run(space, fences.emplace_back(make_fence(1)));
  size_t held = 0;
  for (const FenceRef& fence : fences) held += fence->ref_count() > 1;
  // The latest use, and the one that flushes.
  EXPECT_EQ(held, 2u);
}

TEST_F(VmidTest, AVmidDoesNotKeepItsSpaceAlive) {
  auto space = make_space();
  const unsigned vmid = run(space).vmid;
  space.reset();
  EXPECT_EQ(world_.manager.bo_count(), 0u);
  // Same root address, another space: it must not pass for the old one.
  space = make_space();
  const auto grant = run(space);
  EXPECT_TRUE(grant.needs_flush);
  EXPECT_NE(grant.vmid, vmid);
}

TEST_F(VmidTest, AfterAResetEverythingIsIdleAndUnloaded) {
  const auto spaces = make_spaces(16);
  for (unsigned i = 0; i < kUsable; ++i) run(spaces[i], make_fence(i + 1));
  ASSERT_TRUE(vmids_.busy(*spaces[15]));
  vmids_.reset();
  EXPECT_FALSE(vmids_.busy(*spaces[15]));
  for (const auto& space : make_spaces(kUsable)) EXPECT_TRUE(run(space).needs_flush);
  vmids_.reset();
  vmids_.invalidate(*spaces[0]);
  EXPECT_THAT(function_.invalidated, IsEmpty());
}

}  // namespace
}  // namespace fakegpu::mm::test
