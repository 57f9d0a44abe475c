// SPDX-License-Identifier: MIT
// The kernel's dma-fence selftests by meaning (drivers/dma-buf/st-dma-fence.c), and what a library
// adds to them: callbacks that destroy things.
#include "fence/fence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <thread>

#include "fakes.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Fence, SignalsOnceAndKeepsTheFirstTime) {
  FakeRef fence = fake();
  EXPECT_FALSE(fence->is_signaled());
  EXPECT_TRUE(fence->signal(10));
  EXPECT_TRUE(fence->is_signaled());
  EXPECT_TRUE(fence->test_signaled());
  EXPECT_FALSE(fence->signal(20));
  EXPECT_EQ(fence->timestamp(), 10);
}

TEST(Fence, CallbackRunsOnceWhenItSignals) {
  FakeRef fence = fake();
  Listener listener;
  ASSERT_EQ(fence->add_callback(listener), 0);
  EXPECT_EQ(listener.calls, 0);
  fence->signal(1);
  fence->signal(2);
  EXPECT_EQ(listener.calls, 1);
  EXPECT_EQ(listener.status, 1);
  EXPECT_FALSE(listener.linked());
}

TEST(Fence, CallbacksRunInRegistrationOrder) {
  FakeRef fence = fake();
  std::vector<int> order;
  Listener a([&] { order.push_back(1); }), b([&] { order.push_back(2); }),
      c([&] { order.push_back(3); });
  for (Listener* l : {&a, &b, &c}) fence->add_callback(*l);
  fence->signal(1);
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Fence, LateCallbackIsRefusedAndNeverRuns) {
  FakeRef fence = fake();
  fence->signal(1);
  Listener listener;
  EXPECT_EQ(fence->add_callback(listener), -ENOENT);
  EXPECT_FALSE(listener.linked());
  fence->signal(2);
  EXPECT_EQ(listener.calls, 0);
}

TEST(Fence, RemovedCallbackNeverRuns) {
  FakeRef fence = fake();
  Listener listener;
  fence->add_callback(listener);
  EXPECT_TRUE(fence->remove_callback(listener));
  EXPECT_FALSE(fence->remove_callback(listener));
  fence->signal(1);
  EXPECT_EQ(listener.calls, 0);
}

TEST(Fence, RemovingACallbackThatRanIsFalse) {
  FakeRef fence = fake();
  Listener listener;
  fence->add_callback(listener);
  fence->signal(1);
  EXPECT_FALSE(fence->remove_callback(listener));
}

TEST(Fence, StatusIsZeroThenOneOrTheError) {
  FakeRef good = fake();
  EXPECT_EQ(good->status(), 0);
  good->signal(1);
  EXPECT_EQ(good->status(), 1);
  FakeRef bad = fake();
  bad->set_error(-EIO);
  EXPECT_EQ(bad->status(), 0);
  EXPECT_EQ(bad->error(), -EIO);
  bad->signal(1);
  EXPECT_EQ(bad->status(), -EIO);
}

TEST(Fence, FirstErrorWinsAndNoneAfterTheSignal) {
  FakeRef fence = fake();
  fence->set_error(-ETIME);
  fence->set_error(-ECANCELED);
  EXPECT_EQ(fence->error(), -ETIME);
  LogCapture log;
  FakeRef late = fake(2, 0x1f);
  late->signal(1);
  late->set_error(-EIO);
  EXPECT_EQ(late->status(), 1);
  EXPECT_THAT(log.lines, ElementsAre("Fence 2:1f: error -5 comes after its signal"));
}

TEST(Fence, OnlyErrnosAreErrors) {
  LogCapture log;
  FakeRef fence = fake();
  for (int error : {0, 1, -4096, EIO}) fence->set_error(error);
  EXPECT_EQ(fence->error(), 0);
  EXPECT_EQ(log.lines.size(), 4u);
  fence->set_error(-4095);
  EXPECT_EQ(fence->error(), -4095);
}

TEST(Fence, StubHasSignalledInContextZero) {
  const FenceRef stub = make_stub(77);
  EXPECT_EQ(stub->context(), 0u);
  EXPECT_EQ(stub->seqno(), 0u);
  EXPECT_EQ(stub->status(), 1);
  EXPECT_EQ(stub->timestamp(), 77);
  EXPECT_EQ(stub->driver_name(), "stub");
  EXPECT_FALSE(stub == make_stub(77));
}

TEST(Fence, ContextsCountFromOne) {
  Contexts contexts;
  EXPECT_EQ(contexts.allocate(), 1u);
  EXPECT_EQ(contexts.allocate(3), 2u);
  EXPECT_EQ(contexts.allocate(), 5u);
}

TEST(Fence, LaterComparesSixtyFourBitsWithinOneContext) {
  FakeRef a = fake(1, 0xffffffff);
  FakeRef b = fake(1, 0x100000000);
  FakeRef other = fake(2, 0x200000000);
  EXPECT_TRUE(Fence::is_later(*b, *a));
  EXPECT_FALSE(Fence::is_later(*a, *b));
  EXPECT_FALSE(Fence::is_later(*a, *a));
  EXPECT_FALSE(Fence::is_later(*other, *a));
}

TEST(Fence, IsEnabledOnceAndOnlyWhenSomebodyCares) {
  FakeRef fence = fake();
  EXPECT_FALSE(fence->is_signaled());
  EXPECT_EQ(fence->enables, 0);
  Listener a, b;
  fence->add_callback(a);
  fence->add_callback(b);
  fence->enable_signaling();
  EXPECT_EQ(fence->enables, 1);
  FakeRef done = fake();
  done->signal(1);
  done->enable_signaling();
  EXPECT_EQ(done->enables, 0);
}

TEST(Fence, OwnerThatIsDoneWhenEnabledSignals) {
  FakeRef fence = fake();
  fence->done_when_enabled = true;
  Listener listener;
  EXPECT_EQ(fence->add_callback(listener), -ENOENT);
  EXPECT_TRUE(fence->test_signaled());
  EXPECT_EQ(fence->timestamp(), 0);
  FakeRef timed = fake();
  timed->done_when_enabled = true;
  timed->when_enabled = [&] { timed->signal(9); };
  timed->enable_signaling();
  EXPECT_EQ(timed->timestamp(), 9);
  EXPECT_EQ(listener.calls, 0);
}

TEST(Fence, PollingAsksTheOwnerAndTellsListeners) {
  FakeRef fence = fake();
  Listener listener;
  fence->add_callback(listener);
  EXPECT_FALSE(fence->is_signaled());
  fence->done_when_polled = true;
  EXPECT_FALSE(fence->test_signaled());
  EXPECT_TRUE(fence->is_signaled());
  EXPECT_EQ(listener.calls, 1);
}

TEST(Fence, KeepsTheEarliestDeadlineAndTellsTheOwnerOfThat) {
  FakeRef fence = fake();
  EXPECT_EQ(fence->deadline(), 0);
  for (base::Nanos when : {500, 700, 300, 300}) fence->set_deadline(when);
  EXPECT_EQ(fence->deadline(), 300);
  EXPECT_THAT(fence->deadlines, ElementsAre(500, 300));
  fence->set_deadline(-5);
  EXPECT_EQ(fence->deadline(), 1);
  FakeRef done = fake();
  done->signal(1);
  done->set_deadline(5);
  EXPECT_THAT(done->deadlines, IsEmpty());
}

TEST(Fence, CallbackMayDestroyItself) {
  FakeRef fence = fake();
  auto listener = std::make_unique<Listener>();
  listener->then = [&] { listener.reset(); };
  Listener after;
  fence->add_callback(*listener);
  fence->add_callback(after);
  fence->signal(1);
  EXPECT_EQ(listener, nullptr);
  EXPECT_EQ(after.calls, 1);
}

TEST(Fence, CallbackMayDestroyTheOthers) {
  FakeRef fence = fake();
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 5; ++i) listeners.push_back(std::make_unique<Listener>());
  for (auto& listener : listeners) fence->add_callback(*listener);
  Listener* third = listeners[2].get();
  third->then = [&] {
    EXPECT_EQ(listeners[0]->calls, 1);
    listeners.clear();
  };
  fence->signal(1);
  EXPECT_TRUE(listeners.empty());
}

TEST(Fence, CallbackMayRemoveALaterOne) {
  FakeRef fence = fake();
  Listener second;
  Listener first([&] { EXPECT_TRUE(fence->remove_callback(second)); });
  fence->add_callback(first);
  fence->add_callback(second);
  fence->signal(1);
  EXPECT_EQ(second.calls, 0);
}

TEST(Fence, CallbackMayDropTheLastReference) {
  for (bool poll : {false, true}) {
    FakeRef fence = fake();
    Listener first([&] { fence.reset(); });
    Listener second;
    fence->add_callback(first);
    fence->add_callback(second);
    fence->done_when_polled = true;
    if (poll) {
      EXPECT_TRUE(fence->is_signaled());
    } else {
      EXPECT_TRUE(fence->signal(1));
    }
    EXPECT_FALSE(fence);
    EXPECT_EQ(second.calls, 1);
    EXPECT_EQ(second.status, 1);
  }
  EXPECT_EQ(FakeFence::alive, 0);
}

TEST(Fence, PollingMayDropTheLastReference) {
  FakeRef fence = fake();
  fence->done_when_polled = true;
  fence->when_polled = [&] { fence.reset(); };
  EXPECT_TRUE(fence->is_signaled());
  EXPECT_EQ(FakeFence::alive, 0);
}

TEST(Fence, EnablingMayDropTheLastReference) {
  FakeRef fence = fake();
  fence->done_when_enabled = true;
  fence->when_enabled = [&] { fence.reset(); };
  Listener listener;
  EXPECT_EQ(fence->add_callback(listener), -ENOENT);
  EXPECT_EQ(FakeFence::alive, 0);
}

TEST(Fence, CallbackMayRegisterElsewhereAndNotHereAgain) {
  FakeRef fence = fake();
  FakeRef next = fake();
  Listener listener;
  listener.then = [&] {
    EXPECT_EQ(fence->add_callback(listener), -ENOENT);
    EXPECT_EQ(next->add_callback(listener), 0);
  };
  fence->add_callback(listener);
  fence->signal(1);
  EXPECT_EQ(listener.calls, 1);
  next->signal(2);
  EXPECT_EQ(listener.calls, 2);
}

TEST(Fence, SignallingAgainFromACallbackIsIgnored) {
  FakeRef fence = fake();
  Listener first([&] { EXPECT_FALSE(fence->signal(9)); });
  Listener second;
  fence->add_callback(first);
  fence->add_callback(second);
  fence->signal(1);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(fence->timestamp(), 1);
}

TEST(Fence, DestroyedCallbackIsForgotten) {
  FakeRef fence = fake();
  {
    Listener gone;
    fence->add_callback(gone);
  }
  fence->signal(1);
}

TEST(Fence, ReleasedWithListenersSignalsDeadlock) {
  LogCapture log;
  FakeRef fence = fake(0x1a, 3);
  Listener a, b;
  fence->add_callback(a);
  fence->add_callback(b);
  fence.reset();
  EXPECT_EQ(a.calls, 1);
  EXPECT_EQ(a.status, -EDEADLK);
  EXPECT_EQ(b.status, -EDEADLK);
  EXPECT_EQ(FakeFence::alive, 0);
  EXPECT_THAT(log.lines, ElementsAre("Fence fakegpu:fake:1a:3 released with pending signals!"));
}

TEST(Fence, ReleasedWithListenersKeepsAnEarlierError) {
  LogCapture log;
  FakeRef fence = fake();
  Listener listener;
  fence->add_callback(listener);
  fence->set_error(-EIO);
  fence.reset();
  EXPECT_EQ(listener.status, -EIO);
}

TEST(Fence, AListenerMayRescueAReleasedFence) {
  LogCapture log;
  FakeRef fence = fake();
  Fence* raw = fence.get();
  FenceRef rescued;
  Listener listener([&] { rescued = FenceRef(raw); });
  fence->add_callback(listener);
  fence.reset();
  ASSERT_TRUE(rescued);
  EXPECT_EQ(FakeFence::alive, 1);
  EXPECT_EQ(rescued->ref_count(), 1u);
  EXPECT_EQ(rescued->status(), -EDEADLK);
  rescued.reset();
  EXPECT_EQ(FakeFence::alive, 0);
}

// Two fences in one allocation, which goes with the last of them.
class Pair final : public Fence {
 public:
  struct Second final : Fence {
    explicit Second(Pair& pair) : Fence(1, 2), pair_(pair) {}
    std::string_view timeline_name() const override { return "second"; }
    void dispose() const override { pair_.release(); }
    Pair& pair_;
  };

  Pair() : Fence(1, 1), second_(*this) { ++alive; }
  ~Pair() override { --alive; }
  std::string_view timeline_name() const override { return "first"; }
  FenceRef take_second() {
    add_ref();
    return FenceRef::adopt(&second_);
  }

  inline static int alive = 0;

 private:
  Second second_;
};

TEST(Fence, OneInsideAnotherObjectTellsItsListenersBeforeItGoes) {
  LogCapture log;
  auto pair = base::make_ref<Pair>();
  FenceRef second = pair->take_second();
  Listener listener;
  second->add_callback(listener);
  second.reset();
  EXPECT_EQ(listener.status, -EDEADLK);
  EXPECT_THAT(log.lines, ElementsAre("Fence fakegpu:second:1:2 released with pending signals!"));
  EXPECT_EQ(pair->ref_count(), 1u);
  pair.reset();
  EXPECT_EQ(Pair::alive, 0);
}

class FreesItself final : public Fence {
 public:
  FreesItself() : Fence(1, 1) {}
  std::string_view timeline_name() const override { return "free"; }

 private:
  void destroy() const override { delete this; }
};

TEST(Fence, OneThatFreesItselfStillTellsItsListeners) {
  LogCapture log;
  auto fence = base::make_ref<FreesItself>();
  Listener listener;
  fence->add_callback(listener);
  fence.reset();
  EXPECT_EQ(listener.status, -EDEADLK);
  EXPECT_THAT(log.lines, ElementsAre(HasSubstr("released with pending signals!")));
}

TEST(Fence, AnyThreadSeesStatusAndTimeOnceItSeesTheSignal) {
  for (int round = 0; round < 200; ++round) {
    FakeRef fence = fake();
    std::thread reader([&] {
      while (!fence->test_signaled()) std::this_thread::yield();
      EXPECT_EQ(fence->status(), -EIO);
      EXPECT_EQ(fence->timestamp(), 42);
    });
    fence->set_error(-EIO);
    fence->signal(42);
    reader.join();
  }
}

}  // namespace
}  // namespace fakegpu::fence
