// SPDX-License-Identifier: MIT
// What the fence page shows, and WAIT_SEQNO, under virtual time.
#include <unistd.h>

#include <map>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint32_t kRings = 7;
constexpr base::Nanos kMilli = base::kNanosPerMilli;

// The page as a client maps it.
class Page {
 public:
  explicit Page(Client& client) {
    auto backing = client.file().fence_page(drv::File::Sleepers::kExpected);
    EXPECT_TRUE(backing);
    auto mapping =
        base::Mapping::map_shared(backing->fd.get(), backing->offset, backing->size, PROT_READ);
    EXPECT_TRUE(mapping);
    mapping_ = std::move(*mapping);
  }
  uint64_t operator[](uint32_t slot) const {
    return reinterpret_cast<const uint64_t*>(mapping_.data())[slot];
  }
  size_t slots() const { return mapping_.size() / sizeof(uint64_t); }

 private:
  base::Mapping mapping_;
};

struct NewContext {
  uint32_t id;
  uint32_t slot;
};
NewContext make_context(Client& client) {
  drm_fakegpu_ctx_create arg = {};
  arg.vm_id = client.vm();
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg), 0);
  return {arg.ctx_id, arg.fence_slot};
}
void destroy_context(Client& client, uint32_t id) {
  drm_fakegpu_ctx_destroy arg = {id, 0};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), 0);
}

// A job of one millisecond.
drm_fakegpu_ib work(Client& client) {
  packets::pm4::Work packet;
  packet.unit_ns = 1'000'000;
  return client.ib(words(packet));
}
drm_fakegpu_ib hang(Client& client) {
  return client.ib(words(packets::pm4::Hang{}));
}

// A WAIT_SEQNO and what became of it.
struct Wait {
  drm_fakegpu_wait_seqno arg = {};
  int result = 1;  // 1: no answer yet
  int answers = 0;
  base::UniqueFunction<void()> then;

  std::optional<int> start(Client& client, uint32_t context, uint32_t ring, uint64_t seqno,
                           int64_t timeout = INT64_MAX) {
    arg.ctx_id = context;
    arg.ring = ring;
    arg.seqno = seqno;
    arg.timeout_nsec = timeout;
    return client.start(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, arg,
                        [this](int r, std::span<const std::byte>) {
                          result = r;
                          ++answers;
                          if (then) then();
                        });
  }
};
int poll(Client& client, uint32_t context, uint32_t ring, uint64_t seqno) {
  Wait wait;
  return wait.start(client, context, ring, seqno, 0).value_or(-EINPROGRESS);
}

TEST(FencePage, ShowsTheLastFinishedJobOfEachContextAndRing) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const auto ib = work(client);
  const NewContext a = make_context(client);
  const NewContext b = make_context(client);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.submit({.context = a.id, .ibs = {ib}}), 0);
  ASSERT_EQ(client.submit({.context = a.id, .ring = 2, .ibs = {ib}}), 0);
  ASSERT_EQ(client.submit({.context = b.id, .ring = 3, .ibs = {ib}}), 0);
  EXPECT_EQ(page[a.slot], 0u);
  uint64_t seen = 0;
  while (!machine.executor().idle()) {
    machine.executor().step();
    const uint64_t now = page[a.slot];
    EXPECT_TRUE(now == seen || now == seen + 1) << now << " after " << seen;
    // Exactly what a wait says.
    for (uint64_t seqno = 1; seqno <= 3; ++seqno)
      EXPECT_EQ(poll(client, a.id, 0, seqno), seqno <= now ? 0 : -ETIME);
    seen = now;
  }
  EXPECT_EQ(seen, 3u);
  const std::map<uint32_t, uint64_t> expected = {{a.slot, 3}, {a.slot + 2, 1}, {b.slot + 3, 1}};
  for (uint32_t slot = 0; slot < page.slots(); ++slot)
    EXPECT_EQ(page[slot], expected.contains(slot) ? expected.at(slot) : 0) << slot;
}

TEST(FencePage, MadeLateItShowsWhatFinishedBefore) {
  VirtualMachine machine;
  Client client(machine);
  const NewContext context = make_context(client);
  const auto ib = work(client);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(client.submit({.context = context.id, .ring = 1, .ibs = {ib}}), 0);
  machine.run();
  const Page page(client);
  EXPECT_EQ(page[context.slot], 0u);
  EXPECT_EQ(page[context.slot + 1], 2u);
  const Page again(client);
  EXPECT_EQ(again[context.slot + 1], 2u);
  ASSERT_EQ(client.submit({.context = context.id, .ring = 1, .ibs = {ib}}), 0);
  machine.run();
  EXPECT_EQ(page[context.slot + 1], 3u);
  EXPECT_EQ(again[context.slot + 1], 3u);
}

TEST(FencePage, IsOfOneFile) {
  VirtualMachine machine;
  Client client(machine);
  Client other(machine);
  const Page page(client);
  const Page theirs(other);
  const NewContext context = make_context(client);
  ASSERT_EQ(client.submit({.context = context.id, .ibs = {work(client)}}), 0);
  machine.run();
  EXPECT_EQ(page[context.slot], 1u);
  for (uint32_t slot = 0; slot < theirs.slots(); ++slot) EXPECT_EQ(theirs[slot], 0u);
}

TEST(FencePage, CanOnlyBeRead) {
  VirtualMachine machine;
  Client client(machine);
  auto backing = client.file().fence_page(drv::File::Sleepers::kNone);
  ASSERT_TRUE(backing);
  EXPECT_FALSE(
      base::Mapping::map_shared(backing->fd.get(), 0, backing->size, PROT_READ | PROT_WRITE));
  EXPECT_EQ(::ftruncate(backing->fd.get(), 0), -1);
}

TEST(FencePage, CountsKilledJobsAndThoseThatAResetTook) {
  VirtualMachine machine;
  Client client(machine);
  Client innocent(machine);
  const Page page(client);
  const Page theirs(innocent);
  const NewContext guilty = make_context(client);
  const NewContext good = make_context(innocent);
  const auto ib = work(client);
  ASSERT_EQ(client.submit({.context = guilty.id, .ibs = {hang(client)}}), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.submit({.context = guilty.id, .ibs = {ib}}), 0);
  ASSERT_EQ(innocent.submit({.context = good.id, .ibs = {work(innocent)}}), 0);
  Wait last;
  EXPECT_FALSE(last.start(client, guilty.id, 0, 4));
  machine.executor().run_for(kMilli);
  EXPECT_EQ(page[guilty.slot], 0u);
  machine.run();
  EXPECT_EQ(page[guilty.slot], 4u);
  EXPECT_EQ(theirs[good.slot], 1u);
  EXPECT_EQ(last.result, 0);
}

TEST(FencePage, AKilledJobCountsOnlyAfterThoseBeforeIt) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const NewContext context = make_context(client);
  const auto ib = work(client);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(client.submit({.context = context.id, .ibs = {ib}}), 0);
  machine.executor().run_for(kMilli / 2);
  Wait last;
  EXPECT_FALSE(last.start(client, context.id, 0, 10));
  destroy_context(client, context.id);
  EXPECT_EQ(page[context.slot], 0u);
  EXPECT_EQ(last.answers, 0);
  EXPECT_EQ(poll(client, context.id, 0, 10), -ENOENT);
  machine.run();
  EXPECT_EQ(page[context.slot], 10u);
  EXPECT_EQ(last.result, 0) << "the wait was for the job, not for the context";
}

TEST(FencePage, ASlotIsReusedOnlyWhenItsJobsHaveFinished) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const auto ib = work(client);
  const NewContext old = make_context(client);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(client.submit({.context = old.id, .ibs = {ib}}), 0);
  machine.executor().run_for(kMilli / 2);
  destroy_context(client, old.id);
  // The handle is reused at once.
  const NewContext next = make_context(client);
  EXPECT_EQ(next.id, old.id);
  EXPECT_NE(next.slot, old.slot);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(client.submit({.context = next.id, .ibs = {}}), 0);
  EXPECT_EQ(page[old.slot], 0u) << "the job runs";
  machine.run();
  EXPECT_EQ(page[old.slot], 2u);
  const NewContext heir = make_context(client);
  EXPECT_EQ(heir.slot, old.slot);
  EXPECT_EQ(page[heir.slot], 0u);
}

TEST(FencePage, ContextsBeyondItsRoomHaveNoSlotAndWaitByIoctl) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  std::vector<NewContext> contexts;
  for (;;) {
    contexts.push_back(make_context(client));
    if (contexts.back().slot == DRM_FAKEGPU_NO_FENCE_SLOT) break;
    EXPECT_EQ(contexts.back().slot, (contexts.size() - 1) * kRings);
    ASSERT_LE(contexts.back().slot + kRings, page.slots());
  }
  EXPECT_EQ(contexts.size() - 1, page.slots() / kRings);
  const uint32_t beyond = contexts.back().id;
  ASSERT_EQ(client.submit({.context = beyond, .ibs = {work(client)}}), 0);
  Wait wait;
  EXPECT_FALSE(wait.start(client, beyond, 0, 1));
  machine.run();
  EXPECT_EQ(wait.result, 0);
  for (uint32_t slot = 0; slot < page.slots(); ++slot) EXPECT_EQ(page[slot], 0u);
  destroy_context(client, contexts.front().id);
  EXPECT_EQ(make_context(client).slot, contexts.front().slot);
}

TEST(FencePage, StandsStillWhenTheDeviceGoesAway) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const NewContext context = make_context(client);
  ASSERT_EQ(client.submit({.context = context.id, .ibs = {hang(client)}}), 0);
  Wait wait;
  EXPECT_FALSE(wait.start(client, context.id, 0, 1));
  machine.machine().shutdown();
  EXPECT_EQ(wait.result, -ENODEV);
  EXPECT_EQ(page[context.slot], 0u) << "no success where the call fails";
  EXPECT_EQ(poll(client, context.id, 0, 1), -ENODEV);
}

TEST(FencePage, OutlivesItsFileWithTheJobs) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const NewContext context = make_context(client);
  const auto ib = work(client);
  for (int i = 0; i < 4; ++i) ASSERT_EQ(client.submit({.context = context.id, .ibs = {ib}}), 0);
  machine.executor().run_for(kMilli / 2);
  client.close();
  machine.run();
  EXPECT_EQ(page[context.slot], 4u);
  EXPECT_EQ(machine.machine().census().jobs, 0u);
}

TEST(FencePage, IsWrittenBeforeAnybodyIsTold) {
  VirtualMachine machine;
  Client client(machine);
  const Page page(client);
  const NewContext context = make_context(client);
  const uint32_t done = client.syncobj();
  ASSERT_EQ(client.submit({.context = context.id, .ibs = {work(client)}, .out = {{done, 0, 0}}}),
            0);
  Wait wait;
  uint64_t seen = 0;
  wait.then = [&] { seen = page[context.slot]; };
  EXPECT_FALSE(wait.start(client, context.id, 0, 1));
  uint32_t handle = done;
  drm_syncobj_wait arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&handle);
  arg.count_handles = 1;
  arg.timeout_nsec = INT64_MAX;
  uint64_t seen_by_syncobj = 0;
  EXPECT_FALSE(client.start(DRM_IOCTL_SYNCOBJ_WAIT, arg, [&](int, std::span<const std::byte>) {
    seen_by_syncobj = page[context.slot];
  }));
  machine.run();
  EXPECT_EQ(seen, 1u);
  EXPECT_EQ(seen_by_syncobj, 1u);
}

TEST(WaitSeqno, AnswersInOrderAsJobsFinish) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  const auto ib = work(client);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(client.submit({.context = context, .ibs = {ib}}), 0);
  std::vector<uint64_t> order;
  Wait waits[4];
  const uint64_t seqnos[] = {3, 1, 2, 1};
  for (int i = 0; i < 4; ++i) {
    waits[i].then = [&order, seqno = seqnos[i]] { order.push_back(seqno); };
    EXPECT_FALSE(waits[i].start(client, context, 0, seqnos[i]));
  }
  EXPECT_EQ(machine.machine().census().waits, 4u);
  machine.run();
  EXPECT_EQ(order, (std::vector<uint64_t>{1, 1, 2, 3}));
  for (const Wait& wait : waits) EXPECT_EQ(wait.result, 0);
  EXPECT_EQ(machine.machine().census().waits, 0u);
  EXPECT_EQ(poll(client, context, 0, 3), 0);
}

TEST(WaitSeqno, EndsAtItsTimeoutNotBefore) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  ASSERT_EQ(client.submit({.context = context, .ibs = {work(client)}}), 0);
  Wait wait;
  EXPECT_FALSE(wait.start(client, context, 0, 1, machine.now() + 1000));
  machine.executor().run_for(999);
  EXPECT_EQ(wait.answers, 0);
  machine.executor().run_for(1);
  EXPECT_EQ(wait.result, -ETIME);
  machine.run();
  EXPECT_EQ(wait.answers, 1);
}

TEST(WaitSeqno, EndsWhenInterruptedAndWithItsFile) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  ASSERT_EQ(client.submit({.context = context, .ibs = {work(client)}}), 0);
  Wait interrupted, dropped;
  EXPECT_FALSE(interrupted.start(client, context, 0, 1));
  EXPECT_TRUE(client.file().interrupt(client.last_id()));
  EXPECT_EQ(interrupted.result, -EINTR);
  EXPECT_FALSE(dropped.start(client, context, 0, 1, machine.now() + kMilli));
  client.close();
  machine.run();
  EXPECT_EQ(interrupted.answers, 1);
  EXPECT_EQ(dropped.answers, 0);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST(WaitSeqno, RefusesWhatWasNeverSubmitted) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t context = client.context();
  EXPECT_EQ(poll(client, context, 0, 1), -EINVAL);
  ASSERT_EQ(client.submit({.context = context, .ibs = {work(client)}}), 0);
  EXPECT_EQ(poll(client, context, 0, 1), -ETIME);
  EXPECT_EQ(poll(client, context, 0, 0), -EINVAL);
  EXPECT_EQ(poll(client, context, 0, 2), -EINVAL);
  EXPECT_EQ(poll(client, context, 0, UINT64_MAX), -EINVAL);
  EXPECT_EQ(poll(client, context, 1, 1), -EINVAL) << "another ring";
  EXPECT_EQ(poll(client, context, kRings, 1), -EINVAL);
  EXPECT_EQ(poll(client, context + 1, 0, 1), -ENOENT);
  Wait wait;
  wait.arg.flags = 1;
  EXPECT_EQ(wait.start(client, context, 0, 1), -EINVAL);
  wait.arg.flags = 0;
  wait.arg.pad = 1;
  EXPECT_EQ(wait.start(client, context, 0, 1), -EINVAL);
}

TEST(WaitSeqno, IsBoundedWithTheOtherWaits) {
  drv::Options options;
  options.file_waits = 2;
  VirtualMachine machine(1, options);
  Client client(machine);
  const uint32_t context = client.context();
  ASSERT_EQ(client.submit({.context = context, .ibs = {work(client)}}), 0);
  Wait waits[3];
  EXPECT_FALSE(waits[0].start(client, context, 0, 1));
  EXPECT_FALSE(waits[1].start(client, context, 0, 1));
  EXPECT_EQ(waits[2].start(client, context, 0, 1), -ENOMEM);
}

}  // namespace
}  // namespace fakegpu::tests
