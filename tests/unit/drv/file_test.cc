// SPDX-License-Identifier: MIT
// Files: waits, interrupts, closing, the device going away, tokens, limits.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

// A wait for one binary syncobj and what became of it.
struct Wait {
  drm_syncobj_wait arg = {};
  uint32_t handle;
  int result = 1;  // 1: no answer yet
  int answers = 0;

  std::optional<int> start(Client& client, uint32_t syncobj, int64_t timeout, uint32_t flags = 0) {
    handle = syncobj;
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    arg.flags = flags;
    arg.timeout_nsec = timeout;
    return client.start(DRM_IOCTL_SYNCOBJ_WAIT, arg, [this](int r, std::span<const std::byte> out) {
      result = r;
      ++answers;
      std::memcpy(&arg, out.data(), sizeof(arg));
    });
  }
};

int signal(Client& client, uint32_t handle) {
  drm_syncobj_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&handle);
  arg.count_handles = 1;
  return client.call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg);
}

constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;

TEST(FileWait, IsAnsweredWhenSomebodySignals) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t syncobj = client.syncobj();
  Wait wait;
  EXPECT_FALSE(wait.start(client, syncobj, INT64_MAX, kForSubmit));
  machine.run();
  EXPECT_EQ(wait.answers, 0);
  EXPECT_EQ(signal(client, syncobj), 0);
  EXPECT_EQ(wait.result, 0);
  EXPECT_EQ(wait.answers, 1);
  EXPECT_EQ(wait.arg.first_signaled, 0u);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST(FileWait, EndsAtItsTimeoutNotBefore) {
  VirtualMachine machine;
  Client client(machine);
  Wait wait;
  EXPECT_FALSE(wait.start(client, client.syncobj(), machine.now() + 1'000'000, kForSubmit));
  machine.executor().run_for(999'999);
  EXPECT_EQ(wait.answers, 0);
  machine.executor().run_for(1);
  EXPECT_EQ(wait.result, -ETIME);
}

TEST(FileWait, EndsAtOnceWhenInterrupted) {
  VirtualMachine machine;
  Client client(machine);
  Wait wait;
  EXPECT_FALSE(wait.start(client, client.syncobj(), INT64_MAX, kForSubmit));
  const uint64_t id = client.last_id();
  EXPECT_TRUE(client.file().interrupt(id));
  EXPECT_EQ(wait.result, -EINTR);
  EXPECT_FALSE(client.file().interrupt(id));
  EXPECT_EQ(wait.answers, 1);
}

TEST(FileWait, IsBounded) {
  drv::Options options;
  options.file_waits = 3;
  VirtualMachine machine(1, options);
  Client client(machine);
  const uint32_t syncobj = client.syncobj();
  Wait waits[4];
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(waits[i].start(client, syncobj, INT64_MAX, kForSubmit));
  EXPECT_EQ(waits[3].start(client, syncobj, INT64_MAX, kForSubmit), -ENOMEM);
}

TEST(FileWait, IsBoundedByWhatAllOfThemWaitFor) {
  drv::Options options;
  options.file_wait_entries = 5;
  VirtualMachine machine(1, options);
  Client client(machine);
  const uint32_t syncobj = client.syncobj();
  const auto start = [&](uint32_t entries) {
    const std::vector<uint32_t> handles(entries, syncobj);
    drm_syncobj_wait wait = {};
    wait.handles = reinterpret_cast<uintptr_t>(handles.data());
    wait.count_handles = entries;
    wait.timeout_nsec = INT64_MAX;
    wait.flags = kForSubmit;
    return client.start(DRM_IOCTL_SYNCOBJ_WAIT, wait, [](int, std::span<const std::byte>) {});
  };
  EXPECT_EQ(start(6), -ENOMEM);
  EXPECT_FALSE(start(3));
  const uint64_t id = client.last_id();
  EXPECT_EQ(start(3), -ENOMEM);
  EXPECT_FALSE(start(2));
  EXPECT_EQ(start(1), -ENOMEM);
  EXPECT_TRUE(client.file().interrupt(id));
  EXPECT_FALSE(start(3)) << "an answered wait makes room";
}

TEST(FileWait, IsDroppedUnansweredWhenTheFileCloses) {
  VirtualMachine machine;
  Client client(machine);
  Wait wait;
  EXPECT_FALSE(wait.start(client, client.syncobj(), machine.now() + 1000, kForSubmit));
  client.close();
  machine.run();
  EXPECT_EQ(wait.answers, 0);
  EXPECT_EQ(machine.machine().census().waits, 0u);
}

TEST(FileClose, FreesEverythingEvenWithJobsInFlight) {
  VirtualMachine machine;
  const auto before = machine.machine().census();
  {
    Client client(machine);
    packets::pm4::Work work;
    work.units = 10;
    work.unit_ns = 100'000;
    const auto ib = client.ib(words(work));
    const uint32_t context = client.context();
    for (int i = 0; i < 20; ++i)
      ASSERT_EQ(client.submit({.context = context,
                               .ring = static_cast<uint32_t>(i % 5),
                               .ibs = {ib},
                               .out = {{client.syncobj(), 0, 0}}}),
                0);
    machine.executor().run_for(50'000);
  }
  machine.run();
  const auto after = machine.machine().census();
  EXPECT_EQ(after.files, 0u);
  EXPECT_EQ(after.jobs, 0u);
  EXPECT_EQ(after.syncobjs, 0u);
  EXPECT_EQ(after.contexts, 0u);
  EXPECT_EQ(after.bos, before.bos);
  EXPECT_EQ(after.heap_bytes[0], before.heap_bytes[0]);
  EXPECT_EQ(after.heap_bytes[1], before.heap_bytes[1]);
}

TEST(Shutdown, AnswersEveryWaiterAndRefusesLaterCalls) {
  VirtualMachine machine;
  Client client(machine);
  const uint32_t syncobj = client.syncobj();
  packets::pm4::Hang hang;
  ASSERT_EQ(
      client.submit(
          {.context = client.context(), .ibs = {client.ib(words(hang))}, .out = {{syncobj, 0, 0}}}),
      0);
  Wait wait;
  EXPECT_FALSE(wait.start(client, syncobj, INT64_MAX));
  machine.machine().shutdown();
  EXPECT_EQ(wait.result, -ENODEV);
  EXPECT_EQ(client.poll_syncobj(syncobj), -ENODEV);
  EXPECT_FALSE(machine.machine().open({1, 0, 0}));
}

drv::File* redeem(VirtualMachine& machine, const drm_fakegpu_channel& channel, uint32_t uid) {
  const uint64_t token[2] = {channel.token[0], channel.token[1]};
  return machine.machine().redeem(token, uid);
}

TEST(Token, WorksOnceForItsUserAndForTenSeconds) {
  drv::Options options;
  options.channel_path = "/somewhere";
  VirtualMachine machine(1, options);
  Client client(machine, {7, 1000, 1000});
  drm_fakegpu_channel channel = {};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CHANNEL, channel), 0);
  EXPECT_STREQ(channel.path, "/somewhere");
  EXPECT_EQ(redeem(machine, channel, 1001), nullptr);
  EXPECT_EQ(redeem(machine, channel, 1000), &client.file());
  EXPECT_EQ(redeem(machine, channel, 1000), nullptr);
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CHANNEL, channel), 0);
  machine.executor().run_for(11 * base::kNanosPerSecond);
  EXPECT_EQ(redeem(machine, channel, 1000), nullptr);
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CHANNEL, channel), 0);
  client.close();
  EXPECT_EQ(redeem(machine, channel, 1000), nullptr);
}

TEST(Priority, HighIsForRootAndTheOwner) {
  drv::Options options;
  options.owner_uid = 500;
  VirtualMachine machine(1, options);
  for (const auto& [uid, expected] : {std::pair{0u, 0}, {500u, 0}, {501u, -EACCES}}) {
    Client client(machine, {1, uid, uid});
    drm_fakegpu_ctx_create arg = {};
    arg.vm_id = client.vm();
    arg.priority = DRM_FAKEGPU_PRIORITY_HIGH;
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg), expected);
  }
}

TEST(BringUp, ASilentRingNamesItsStepAndFailsCleanly) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  hw::Profile profile = small_profile();
  profile.gfx_rings = profile.compute_rings = profile.sdma_rings = 0;
  const auto machine = drv::Machine::create(profile, {}, executor, executor, tracer);
  ASSERT_FALSE(machine);
  EXPECT_NE(machine.error().message().find("start rings"), std::string::npos);
}

// The engine of the first ring was woken already. Told on by AddressSanitizer.
TEST(BringUp, AFailureLeavesNothingBehindInTheExecutor) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  drv::Options options;
  options.policy = "no such policy";
  const auto machine = drv::Machine::create(small_profile(), options, executor, executor, tracer);
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().code(), EINVAL);
  ASSERT_FALSE(executor.idle());
  executor.run();
}

}  // namespace
}  // namespace fakegpu::tests
