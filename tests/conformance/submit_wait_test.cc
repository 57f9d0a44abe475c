// SPDX-License-Identifier: MIT
// A context's queue on a ring is bounded: beyond it a submission is refused or, with SUBMIT_WAIT,
// waits for room.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "blocked.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kEntityJobs = 1024;  // drv::Options::entity_jobs
constexpr uint32_t kWait = DRM_FAKEGPU_SUBMIT_WAIT;

class SubmitWait : public testing::Test {
 protected:
  // A job without packets behind the gate, or what refuses it.
  int submit(uint32_t context, uint32_t flags = 0, uint64_t* seqno = nullptr) const {
    drm_fakegpu_submit arg = {};
    arg.ctx_id = context;
    arg.flags = flags;
    arg.in_sync_count = 1;
    arg.in_syncs = address_of(&held_);
    const int result = client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
    if (seqno) *seqno = arg.seqno;
    return result;
  }
  void fill(uint32_t context) const {
    ASSERT_EQ(gate_.submit({held_}), 0);
    for (uint32_t i = 0; i < kEntityJobs; ++i) ASSERT_EQ(submit(context), 0) << i;
  }

  const Client client_;
  const Context context_{client_.device()};
  const drm_fakegpu_sync held_ = {.handle = client_.make_syncobj()};
  const Gate gate_{client_};
};

// One test, as a thousand calls take long over some transports.
TEST_F(SubmitWait, WhoComesToAFullQueueIsRefusedOrWaitsInTheOrderOfComing) {
  fill(context_.id());
  EXPECT_EQ(submit(context_.id()), -EAGAIN);
  EXPECT_EQ(submit(context_.id(), DRM_FAKEGPU_SUBMIT_EVENT), -EAGAIN);
  EXPECT_EQ(submit(context_.id(), 1u << 2 | kWait), -EINVAL);
  EXPECT_EQ(submit(kNoHandle, kWait), -ENOENT) << "does not wait to be refused";
  const Context another(client_.device());
  EXPECT_EQ(submit(another.id(), kWait), 0) << "of the file's contexts one is full";
  const Client other;
  const Worker worker(other, DRM_FAKEGPU_RING_GFX);
  const uint32_t done = other.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}, kWait), 0) << "and nobody else's";
  EXPECT_EQ(other.wait({&done, 1}, INT64_MAX, 0), 0);

  std::atomic<int> results[3] = {1, 1, 1};
  uint64_t seqnos[3] = {};
  std::unique_ptr<BlockedThread> waiting[3];
  for (int i = 0; i < 3; ++i) {
    waiting[i] = std::make_unique<BlockedThread>(
        [&, i] { results[i] = submit(context_.id(), kWait, &seqnos[i]); });
    waiting[i]->wait_until_arrived(client_);
  }
  for (const auto& result : results) EXPECT_EQ(result, 1);
  EXPECT_EQ(context_.query().jobs_submitted, kEntityJobs);
  gate_.open();
  for (int i = 0; i < 3; ++i) {
    waiting[i]->join();
    EXPECT_EQ(results[i], 0);
    EXPECT_EQ(seqnos[i], kEntityJobs + 1 + i);
  }
  EXPECT_TRUE(context_.wait(0, seqnos[2]));
}

TEST_F(SubmitWait, EndsWithASignalOrWithItsContext) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  const uint32_t context = client_.make_context(client_.make_vm());
  fill(context);
  std::atomic<int> interrupted = 1;
  std::atomic<int> orphaned = 1;
  BlockedThread first([&] { interrupted = submit(context, kWait); });
  first.wait_until_arrived(client_);
  BlockedThread second([&] { orphaned = submit(context, kWait); });
  second.wait_until_arrived(client_);
  ::pthread_kill(first.handle(), SIGUSR1);
  first.join();
  EXPECT_EQ(interrupted, -EINTR);
  EXPECT_EQ(orphaned, 1);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  second.join();
  EXPECT_EQ(orphaned, -ENOENT);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// In the process nobody can be killed alone.
using DaemonSubmitWait = SubmitWait;

TEST_F(DaemonSubmitWait, DiesWithItsClient) {
  const auto used = [this] {
    return client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes +
           client_.heap(DRM_FAKEGPU_HEAP_SYSTEM).used_bytes;
  };
  const uint64_t before = used();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Client client;
    const Context context(client.device());
    const Worker worker(client, DRM_FAKEGPU_RING_COMPUTE);
    const drm_fakegpu_sync held = {.handle = client.make_syncobj()};
    // What is in the ring runs to its end, which is a second.
    if (fakegpu_cmd_work(worker.packets(), 1000, 1'000'000, 0, 0) != 0) ::_exit(1);
    if (worker.submit({}, {held}) != 0) ::_exit(1);
    drm_fakegpu_submit arg = {
        .ctx_id = context.id(), .in_sync_count = 1, .in_syncs = address_of(&held)};
    for (uint32_t i = 0; i < kEntityJobs; ++i)
      if (client.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg) != 0) ::_exit(1);
    arg.flags = kWait;
    BlockedThread waiting([&] { client.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg); });
    waiting.wait_until_arrived(client);
    if (::write(ready[1], "", 1) != 1) ::_exit(1);
    ::pause();
  }
  ::close(ready[1]);
  char byte;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the child waits";
  ::close(ready[0]);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const Worker worker(client_, DRM_FAKEGPU_RING_GFX);
  const uint32_t done = client_.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}, kWait), 0);
  EXPECT_EQ(client_.wait({&done, 1}, INT64_MAX, 0), 0);
  // The rest of it goes when its job on the ring is done.
  const int64_t give_up = client_.deadline(30'000 * kMilli);
  const uint64_t own = client_.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes +
                       client_.heap(DRM_FAKEGPU_HEAP_SYSTEM).client_bytes;
  while (used() > before + own && client_.deadline(0) < give_up) ::usleep(1000);
  EXPECT_LE(used(), before + own);
}

}  // namespace
}  // namespace fakegpu::conformance
