// SPDX-License-Identifier: MIT
// SUBMIT_WAIT: who is let in when, and what becomes of those who cannot be.
#include <cstring>
#include <map>

#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr int kPending = 1;
constexpr unsigned kEntityJobs = 4;

class SubmitWait : public testing::Test {
 protected:
  static drv::Options options() {
    drv::Options options;
    options.hw_submission = 1;
    options.entity_jobs = kEntityJobs;
    options.file_jobs = 10;
    options.file_waits = 6;
    return options;
  }
  struct Call {
    int result = kPending;
    uint64_t seqno = 0;
    unsigned answered = 0;  // the how many-th
  };
  // The answer of a submission with the flag, now or later.
  std::shared_ptr<Call> wait(Client& client, const Client::Submit& what) {
    drm_fakegpu_submit arg = {};
    arg.ctx_id = what.context;
    arg.ring = what.ring;
    arg.flags = what.flags | DRM_FAKEGPU_SUBMIT_WAIT;
    // Gone when this returns.
    const auto ibs = what.ibs;
    const auto in = what.in;
    const auto out = what.out;
    arg.ib_count = static_cast<uint32_t>(ibs.size());
    arg.ibs = reinterpret_cast<uintptr_t>(ibs.data());
    arg.in_sync_count = static_cast<uint32_t>(in.size());
    arg.in_syncs = reinterpret_cast<uintptr_t>(in.data());
    arg.out_sync_count = static_cast<uint32_t>(out.size());
    arg.out_syncs = reinterpret_cast<uintptr_t>(out.data());
    auto call = std::make_shared<Call>();
    const auto result = client.start(DRM_IOCTL_FAKEGPU_SUBMIT, arg,
                                     [this, call](int answer, std::span<const std::byte> bytes) {
                                       drm_fakegpu_submit out_arg = {};
                                       ASSERT_EQ(bytes.size(), sizeof(out_arg));
                                       std::memcpy(&out_arg, bytes.data(), sizeof(out_arg));
                                       *call = {answer, out_arg.seqno, ++answered_};
                                     });
    if (result) *call = {*result, arg.seqno, ++answered_};
    return call;
  }
  // As many jobs as a context may have, and one in the ring.
  void fill(Client& client, uint32_t context, uint32_t ring = 0) {
    for (unsigned i = 0; i < kEntityJobs + 1; ++i) {
      ASSERT_EQ(client.submit({.context = context, .ring = ring, .ibs = {ib_}}), 0);
    }
    ASSERT_EQ(client.submit({.context = context, .ring = ring, .ibs = {ib_}}), -EAGAIN);
  }
  static packets::Words millisecond() {
    packets::pm4::Work work;
    work.unit_ns = 1'000'000;
    return words(work);
  }

  VirtualMachine machine_{1, options()};
  Client client_{machine_};
  const drm_fakegpu_ib ib_ = client_.ib(millisecond());
  const uint32_t context_ = client_.context();
  unsigned answered_ = 0;
};

TEST_F(SubmitWait, IsLetInWhenAJobStartsAndInTheOrderOfComing) {
  fill(client_, context_);
  const auto first = wait(client_, {.context = context_, .ibs = {ib_}});
  const auto second = wait(client_, {.context = context_, .ibs = {ib_}});
  machine_.executor().run_for(500'000);
  EXPECT_EQ(first->result, kPending);
  machine_.executor().run_for(1'000'000);
  EXPECT_EQ(first->result, 0);
  EXPECT_EQ(first->seqno, kEntityJobs + 2);
  EXPECT_EQ(second->result, kPending);
  EXPECT_EQ(client_.submit({.context = context_}), -EAGAIN) << "full again";
  machine_.run();
  EXPECT_EQ(second->result, 0);
  EXPECT_EQ(second->seqno, kEntityJobs + 3);
  EXPECT_EQ(machine_.machine().census().waits, 0u);
  EXPECT_EQ(wait(client_, {.context = context_})->result, 0) << "there is room at once";
}

TEST_F(SubmitWait, OthersAreNotConcerned) {
  fill(client_, context_);
  const auto waiting = wait(client_, {.context = context_, .ibs = {ib_}});
  EXPECT_EQ(client_.submit({.context = context_, .ring = 1, .ibs = {ib_}}), 0) << "another ring";
  EXPECT_EQ(client_.submit({.context = client_.context(), .ibs = {ib_}}), 0);
  Client other(machine_);
  EXPECT_EQ(wait(other, {.context = other.context()})->result, 0);
  EXPECT_EQ(waiting->result, kPending);
}

TEST_F(SubmitWait, QueuesOfAFileTakeTurnsWhenItsShareIsUsedUp) {
  drv::Options share = options();
  share.entity_jobs = 100;
  VirtualMachine machine(1, share);
  Client client(machine);
  const auto ib = client.ib(millisecond());
  const uint32_t contexts[] = {client.context(), client.context()};
  for (unsigned i = 0; i < share.file_jobs; ++i)
    ASSERT_EQ(client.submit({.context = contexts[i % 2], .ring = i % 2, .ibs = {ib}}), 0);
  ASSERT_EQ(client.submit({.context = client.context()}), -EAGAIN);
  std::vector<std::shared_ptr<Call>> calls;
  for (unsigned i = 0; i < 6; ++i)
    calls.push_back(wait(client, {.context = contexts[i / 3], .ring = i / 3, .ibs = {ib}}));
  machine.run();
  for (const auto& call : calls) EXPECT_EQ(call->result, 0);
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ(std::max(calls[i]->answered, calls[i + 3]->answered), 2 * i + 2);
}

TEST_F(SubmitWait, LooksItsHandlesUpWhenItIsLetIn) {
  fill(client_, context_);
  const uint32_t in = client_.syncobj();
  const uint32_t gone = client_.syncobj();
  const auto well = wait(client_, {.context = context_, .in = {{in, 0, 0}}});
  const auto ill = wait(client_, {.context = context_, .out = {{gone, 0, 0}}});
  EXPECT_EQ(well->result, kPending) << "although there is no fence yet";
  drm_syncobj_destroy destroy = {.handle = gone};
  ASSERT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), 0);
  drm_syncobj_array signal = {.handles = reinterpret_cast<uintptr_t>(&in), .count_handles = 1};
  ASSERT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_SIGNAL, signal), 0);
  machine_.run();
  EXPECT_EQ(well->result, 0);
  EXPECT_EQ(ill->result, -ENOENT);
}

TEST_F(SubmitWait, WhatIsWrongInItselfIsRefusedAtOnce) {
  fill(client_, context_);
  EXPECT_EQ(wait(client_, {.context = 99})->result, -ENOENT);
  EXPECT_EQ(wait(client_, {.context = context_, .ring = 99})->result, -EINVAL);
  EXPECT_EQ(wait(client_, {.context = context_, .ibs = {{3, 1, 0}}})->result, -EINVAL);
  EXPECT_EQ(wait(client_, {.context = context_, .flags = 1u << 2})->result, -EINVAL);
}

TEST_F(SubmitWait, IsBoundedWithTheFilesOtherWaits) {
  fill(client_, context_);
  std::vector<std::shared_ptr<Call>> calls;
  for (unsigned i = 0; i < options().file_waits; ++i)
    calls.push_back(wait(client_, {.context = context_}));
  EXPECT_EQ(machine_.machine().census().waits, options().file_waits);
  EXPECT_EQ(wait(client_, {.context = context_})->result, -ENOMEM);
  drm_fakegpu_wait_seqno seqno = {.ctx_id = context_, .seqno = 1, .timeout_nsec = INT64_MAX};
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, seqno), -ENOMEM);
  for (const auto& call : calls) EXPECT_EQ(call->result, kPending);
  EXPECT_TRUE(client_.file().interrupt(client_.last_id() - 2));
  EXPECT_EQ(calls.back()->result, -EINTR);
  machine_.run();
  for (size_t i = 0; i + 1 < calls.size(); ++i) EXPECT_EQ(calls[i]->result, 0);
}

TEST_F(SubmitWait, EndsWithItsContext) {
  fill(client_, context_);
  const auto first = wait(client_, {.context = context_});
  const auto second = wait(client_, {.context = context_});
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context_};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  EXPECT_EQ(first->result, -ENOENT);
  EXPECT_EQ(second->result, -ENOENT);
}

TEST_F(SubmitWait, IsDroppedWithItsFile) {
  Client gone(machine_);
  const uint32_t context = gone.context();
  for (unsigned i = 0; i < kEntityJobs + 1; ++i)
    ASSERT_EQ(gone.submit({.context = context, .ibs = {gone.ib(millisecond())}}), 0);
  const auto call = wait(gone, {.context = context});
  EXPECT_EQ(machine_.machine().census().waits, 1u);
  gone.close();
  EXPECT_EQ(machine_.machine().census().waits, 0u);
  machine_.run();
  EXPECT_EQ(call->result, kPending) << "nobody is left to be told";
}

TEST_F(SubmitWait, EndsWithTheDevice) {
  fill(client_, context_);
  const auto call = wait(client_, {.context = context_});
  machine_.machine().shutdown();
  EXPECT_EQ(call->result, -ENODEV);
}

TEST_F(SubmitWait, OfAContextThatBecomesGuiltyIsRefused) {
  ASSERT_EQ(client_.submit({.context = context_, .ibs = {client_.ib(words(packets::pm4::Hang{}))}}),
            0);
  for (unsigned i = 0; i < kEntityJobs; ++i)
    ASSERT_EQ(client_.submit({.context = context_, .ibs = {ib_}}), 0);
  const auto call = wait(client_, {.context = context_});
  ASSERT_EQ(call->result, kPending);
  machine_.run();
  EXPECT_EQ(call->result, -ECANCELED);
}

TEST_F(SubmitWait, OfADeviceThatIsWedgedIsRefused) {
  ASSERT_TRUE(machine_.machine().faults().inject({.name = "mute-gpu-reset", .nth = 1}));
  packets::pm4::Hang hang;
  hang.mode = packets::pm4::Hang::Mode::kSurviveSoftReset;
  Client guilty(machine_);
  ASSERT_EQ(guilty.submit({.context = guilty.context(), .ibs = {guilty.ib(words(hang))}}), 0);
  for (unsigned i = 0; i < kEntityJobs; ++i)
    ASSERT_EQ(client_.submit({.context = context_, .ibs = {ib_}}), 0);
  const auto call = wait(client_, {.context = context_});
  ASSERT_EQ(call->result, kPending);
  machine_.run();
  EXPECT_EQ(call->result, -ENODEV);
}

}  // namespace
}  // namespace fakegpu::tests
