// SPDX-License-Identifier: MIT
#include "cmdbuf.h"

#include <gtest/gtest.h>

#include <cstring>

#include "fake_transport.h"
#include "packets/kernels.h"
#include "packets/pm4.h"
#include "packets/registers.h"
#include "packets/sdma.h"

namespace fakegpu::umd {
namespace {

namespace pm4 = packets::pm4;
namespace sdma = packets::sdma;

class Cmdbuf : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(fakegpu_context_create(device_.dev, nullptr, 0, &ctx_), 0);
    ASSERT_EQ(fakegpu_cmdbuf_create(ctx_, DRM_FAKEGPU_RING_GFX, &gfx_), 0);
    ASSERT_EQ(fakegpu_cmdbuf_create(ctx_, DRM_FAKEGPU_RING_SDMA, &sdma_), 0);
  }
  void TearDown() override {
    fakegpu_cmdbuf_destroy(gfx_);
    fakegpu_cmdbuf_destroy(sdma_);
    fakegpu_context_destroy(ctx_);
  }

  // The CPU's view of a GPU address, which only this command buffer's memory knows.
  static uint32_t* cpu_of(fakegpu_cmdbuf* cb, uint64_t va) {
    void* cpu;
    uint64_t probe;
    EXPECT_EQ(fakegpu_cmdbuf_data(cb, 4, 4, &cpu, &probe), 0);
    return reinterpret_cast<uint32_t*>(static_cast<std::byte*>(cpu) - (probe - va));
  }

  fakegpu_submission submission(uint32_t ring, fakegpu_cmdbuf* const* cb) {
    fakegpu_submission s = {};
    s.ring = ring;
    s.cmdbufs = cb;
    s.cmdbuf_count = 1;
    return s;
  }

  test::FakeDevice device_;
  fakegpu_context* ctx_ = nullptr;
  fakegpu_cmdbuf* gfx_ = nullptr;
  fakegpu_cmdbuf* sdma_ = nullptr;
};

TEST_F(Cmdbuf, KeepsTheFirstErrorAndRefusesEverythingUntilReset) {
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 1), 0);
  const uint32_t before = fakegpu_cmdbuf_dwords(gfx_);
  EXPECT_EQ(fakegpu_cmd_hang(gfx_, 99, 0), -EINVAL);
  EXPECT_EQ(fakegpu_cmd_mark(gfx_, 2), -EINVAL);
  EXPECT_EQ(fakegpu_cmd_raw(gfx_, &before, 1), -EINVAL);
  EXPECT_EQ(fakegpu_cmdbuf_dwords(gfx_), before);

  drm_fakegpu_ib ib;
  EXPECT_EQ(fakegpu_cmdbuf_finish(gfx_, &ib), -EINVAL);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), -EINVAL);
  EXPECT_TRUE(device_.state->submissions.empty());

  fakegpu_cmdbuf_reset(gfx_);
  EXPECT_EQ(fakegpu_cmdbuf_error(gfx_), 0);
  EXPECT_EQ(fakegpu_cmdbuf_dwords(gfx_), 0u);
  EXPECT_EQ(fakegpu_cmd_mark(gfx_, 2), 0);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
}

TEST_F(Cmdbuf, FailureToGetMemoryIsLatchedToo) {
  device_.state->results[DRM_IOCTL_FAKEGPU_BO_CREATE] = {-ENOSPC};
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 1), 0);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), -ENOSPC);
  EXPECT_EQ(fakegpu_cmdbuf_error(gfx_), -ENOSPC);
}

TEST_F(Cmdbuf, SubmitsWhatWasBuilt) {
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 7), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  const auto& job = device_.state->submissions.at(0);
  ASSERT_EQ(job.ibs.size(), 1u);
  EXPECT_EQ(job.ibs[0].dwords, 2u);
  const uint32_t* cpu = cpu_of(gfx_, job.ibs[0].va);
  const auto mark = pm4::Mark::parse({cpu, 2});
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->id, 7u);
}

TEST_F(Cmdbuf, SubmittedTwiceUnchangedUsesTheSameIb) {
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 7), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  EXPECT_EQ(device_.state->submissions[0].ibs[0].va, device_.state->submissions[1].ibs[0].va);
}

TEST_F(Cmdbuf, PacketsAddedAfterASubmissionLeaveItsIbAlone) {
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 7), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 8), 0);
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  const auto& jobs = device_.state->submissions;
  EXPECT_NE(jobs[0].ibs[0].va, jobs[1].ibs[0].va);
  EXPECT_EQ(jobs[1].ibs[0].dwords, 4u);
}

TEST_F(Cmdbuf, PadsSdmaToEightDwordsWithOneNop) {
  for (uint32_t fences = 1; fences <= 8; ++fences) {
    fakegpu_cmdbuf_reset(sdma_);
    for (uint32_t i = 0; i < fences; ++i) ASSERT_EQ(fakegpu_sdma_fence(sdma_, 0x1000, i), 0);
    drm_fakegpu_ib ib;
    ASSERT_EQ(fakegpu_cmdbuf_finish(sdma_, &ib), 0);
    EXPECT_EQ(ib.dwords, (fences * 4 + 7) / 8 * 8);
    EXPECT_EQ(ib.va % 32, 0u);
    if (fences % 2 == 0) continue;
    const uint32_t* cpu = cpu_of(sdma_, ib.va);
    const auto nop = sdma::Nop::parse({cpu + fences * 4, 4});
    ASSERT_TRUE(nop);
    EXPECT_EQ(nop->payload.size(), 3u);
  }
}

TEST_F(Cmdbuf, GrowsBeyondItsFirstMemory) {
  const std::vector<uint32_t> data(1000, 0xabcd);
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(fakegpu_cmd_write_data(gfx_, FAKEGPU_DST_MEMORY, 0, 0x1000, data.data(), 1000), 0);
  drm_fakegpu_ib ib;
  ASSERT_EQ(fakegpu_cmdbuf_finish(gfx_, &ib), 0);
  EXPECT_EQ(ib.dwords, 50u * 1004);
  EXPECT_EQ(device_.state->binds.back().va, ib.va);
  EXPECT_GE(device_.state->binds.back().size, ib.dwords * 4u);
}

TEST_F(Cmdbuf, MoreThanAnIbHoldsIsRefused) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(fakegpu_cmd_nop(gfx_, 0x4000), 0);
  drm_fakegpu_ib ib;
  ASSERT_EQ(fakegpu_cmdbuf_finish(gfx_, &ib), 0);
  EXPECT_EQ(ib.dwords, device_.state->info.max_ib_dwords);
  ASSERT_EQ(fakegpu_cmd_nop(gfx_, 1), 0);
  EXPECT_EQ(fakegpu_cmdbuf_finish(gfx_, &ib), -E2BIG);
}

TEST_F(Cmdbuf, GivesZeroedAlignedMemoryAlsoAfterReset) {
  for (int round = 0; round < 2; ++round) {
    void* cpu;
    uint64_t va;
    ASSERT_EQ(fakegpu_cmdbuf_data(gfx_, 5, 1, &cpu, &va), 0);
    ASSERT_EQ(fakegpu_cmdbuf_data(gfx_, 64, 256, &cpu, &va), 0);
    EXPECT_EQ(va % 256, 0u);
    for (int i = 0; i < 64; ++i) EXPECT_EQ(static_cast<uint8_t*>(cpu)[i], 0);
    std::memset(cpu, 0xff, 64);
    fakegpu_cmdbuf_reset(gfx_);
  }
  EXPECT_EQ(device_.state->binds.size(), 1u);
}

TEST_F(Cmdbuf, RefusesBadDataRequests) {
  void* cpu;
  uint64_t va;
  for (const auto& [size, alignment] :
       {std::pair<uint64_t, uint64_t>{0, 4}, {4, 0}, {4, 3}, {4, 8192}}) {
    EXPECT_EQ(fakegpu_cmdbuf_data(gfx_, size, alignment, &cpu, &va), -EINVAL);
    fakegpu_cmdbuf_reset(gfx_);
  }
}

TEST_F(Cmdbuf, SplitsLargeSdmaCopies) {
  constexpr uint64_t kBytes = (9ull << 20) + 5;
  ASSERT_EQ(fakegpu_cmd_copy(sdma_, 0x100000001, 0x200000002, kBytes), 0);
  uint64_t done = 0;
  packets::Packet rest(sdma_->words);
  while (!rest.empty()) {
    const auto copy = sdma::CopyLinear::parse(rest.first(7));
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->destination, 0x100000001 + done);
    EXPECT_EQ(copy->source, 0x200000002 + done);
    done += copy->bytes;
    rest = rest.subspan(7);
  }
  EXPECT_EQ(done, kBytes);
}

TEST_F(Cmdbuf, SplitsLargeGfxCopiesAndFills) {
  constexpr uint64_t kBytes = 200ull << 20;
  ASSERT_EQ(fakegpu_cmd_copy(gfx_, 0x100000000, 0x200000001, kBytes), 0);
  ASSERT_EQ(fakegpu_cmd_fill(gfx_, 0x100000000, 3, kBytes), 0);
  uint64_t copied = 0;
  uint64_t filled = 0;
  packets::Packet rest(gfx_->words);
  while (!rest.empty()) {
    const auto dma = pm4::DmaData::parse(rest.first(7));
    ASSERT_TRUE(dma);
    EXPECT_TRUE(dma->sync);
    (dma->source == pm4::DmaData::Source::kData ? filled : copied) += dma->bytes;
    rest = rest.subspan(7);
  }
  EXPECT_EQ(copied, kBytes);
  EXPECT_EQ(filled, kBytes);
}

TEST_F(Cmdbuf, ACopyOfNothingAddsNothing) {
  EXPECT_EQ(fakegpu_cmd_copy(gfx_, 0, 0, 0), 0);
  EXPECT_EQ(fakegpu_cmd_fill(sdma_, 0, 0, 0), 0);
  EXPECT_EQ(fakegpu_cmdbuf_dwords(gfx_) + fakegpu_cmdbuf_dwords(sdma_), 0u);
}

TEST_F(Cmdbuf, ACopyThatCannotBeWholeIsRefusedWhole) {
  EXPECT_EQ(fakegpu_cmd_copy(sdma_, (1ull << 48) - 4096, 0, 8192), -EINVAL);
  fakegpu_cmdbuf_reset(sdma_);
  EXPECT_EQ(fakegpu_cmd_copy(sdma_, 0, 0, UINT64_MAX), -EINVAL);
  fakegpu_cmdbuf_reset(sdma_);
  // The first part is good, the last is not a multiple of four.
  EXPECT_EQ(fakegpu_cmd_fill(sdma_, 0, 0, (8ull << 20) + 2), -EINVAL);
  EXPECT_EQ(fakegpu_cmdbuf_dwords(sdma_), 0u);
}

TEST_F(Cmdbuf, DispatchStoresArgumentsAndPointsTheRegistersAtThem) {
  const fakegpu_kernel_fill fill = {.dst = 0x5000, .count = 77, .value = 5, .pad = 0};
  ASSERT_EQ(fakegpu_cmd_dispatch(gfx_, FAKEGPU_KERNEL_FILL, &fill, sizeof(fill), 3, 2, 1), 0);
  packets::Packet rest(gfx_->words);
  const auto next = [&rest](size_t dwords) {
    const packets::Packet packet = rest.first(dwords);
    rest = rest.subspan(dwords);
    return packet;
  };
  const auto program = pm4::SetShReg::parse(next(4));
  const auto arguments = pm4::SetShReg::parse(next(4));
  const auto dispatch = pm4::DispatchDirect::parse(next(5));
  const auto flush = pm4::EventWrite::parse(next(2));
  ASSERT_TRUE(program && arguments && dispatch && flush);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(program->offset, packets::sh::kComputePgmLo);
  EXPECT_EQ(program->values[0], static_cast<uint32_t>(packets::kernels::Id::kFill));
  EXPECT_EQ(program->values[1], 0u);
  EXPECT_EQ(arguments->offset, packets::sh::kComputeUserData0);
  EXPECT_EQ(*dispatch, (pm4::DispatchDirect{.x = 3, .y = 2, .z = 1}));
  const uint64_t va = arguments->values[0] | uint64_t{arguments->values[1]} << 32;
  EXPECT_EQ(va % 8, 0u);
  EXPECT_EQ(std::memcmp(cpu_of(gfx_, va), &fill, sizeof(fill)), 0);
}

TEST_F(Cmdbuf, DispatchRefusesUnknownKernelsAndWrongSizes) {
  const fakegpu_kernel_fill fill = {};
  EXPECT_EQ(fakegpu_cmd_dispatch(gfx_, 999, &fill, sizeof(fill), 1, 1, 1), -EINVAL);
  fakegpu_cmdbuf_reset(gfx_);
  EXPECT_EQ(fakegpu_cmd_dispatch(gfx_, FAKEGPU_KERNEL_FILL, &fill, sizeof(fill) - 8, 1, 1, 1),
            -EINVAL);
  fakegpu_cmdbuf_reset(gfx_);
  EXPECT_EQ(fakegpu_cmd_dispatch(gfx_, FAKEGPU_KERNEL_FILL, &fill, sizeof(fill), 1u << 31, 2, 1),
            -EINVAL);
  EXPECT_EQ(fakegpu_cmdbuf_dwords(gfx_), 0u);
}

TEST_F(Cmdbuf, RefusesAnUnknownKindOfRing) {
  fakegpu_cmdbuf* cb = nullptr;
  EXPECT_EQ(fakegpu_cmdbuf_create(ctx_, 3, &cb), -EINVAL);
  EXPECT_EQ(cb, nullptr);
}

TEST_F(Cmdbuf, SubmissionChecksRingAndAddressSpace) {
  // Ring i of the fake device has type i.
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, DRM_FAKEGPU_RING_SDMA, gfx_, nullptr), -EINVAL);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, DRM_FAKEGPU_RING_GFX, sdma_, nullptr), -EINVAL);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, DRM_FAKEGPU_RING_COMPUTE, gfx_, nullptr), 0);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, 3, gfx_, nullptr), -EINVAL);

  fakegpu_vm* vm = nullptr;
  fakegpu_context* other = nullptr;
  ASSERT_EQ(fakegpu_vm_create(device_.dev, &vm), 0);
  ASSERT_EQ(fakegpu_context_create(device_.dev, vm, 0, &other), 0);
  EXPECT_EQ(fakegpu_context_submit_one(other, 0, gfx_, nullptr), -EINVAL);
  fakegpu_context_destroy(other);
  fakegpu_vm_destroy(vm);
}

TEST_F(Cmdbuf, SubmissionCarriesSyncobjsFlagsAndRawIbs) {
  fakegpu_syncobj* a = nullptr;
  fakegpu_syncobj* b = nullptr;
  ASSERT_EQ(fakegpu_syncobj_create(device_.dev, 0, &a), 0);
  ASSERT_EQ(fakegpu_syncobj_create(device_.dev, 0, &b), 0);
  ASSERT_EQ(fakegpu_cmd_mark(gfx_, 1), 0);
  const fakegpu_sync_point in = {a, 5};
  const fakegpu_sync_point out = {b, 6};
  const drm_fakegpu_ib raw = {0x9000, 4, 0};
  fakegpu_submission s = submission(1, &gfx_);
  s.flags = DRM_FAKEGPU_SUBMIT_EVENT;
  s.ib_flags = DRM_FAKEGPU_IB_PREEMPT;
  s.ibs = &raw;
  s.ib_count = 1;
  s.waits = &in;
  s.wait_count = 1;
  s.signals = &out;
  s.signal_count = 1;
  s.user_data = 99;
  uint64_t seqno = 0;
  ASSERT_EQ(fakegpu_context_submit(ctx_, &s, &seqno), 0);
  EXPECT_EQ(seqno, 1u);
  const auto& job = device_.state->submissions.at(0);
  EXPECT_EQ(job.call.ctx_id, fakegpu_context_id(ctx_));
  EXPECT_EQ(job.call.ring, 1u);
  EXPECT_EQ(job.call.flags, DRM_FAKEGPU_SUBMIT_EVENT);
  EXPECT_EQ(job.call.user_data, 99u);
  ASSERT_EQ(job.ibs.size(), 2u);
  EXPECT_EQ(job.ibs[0].flags, DRM_FAKEGPU_IB_PREEMPT);
  EXPECT_EQ(job.ibs[1].va, 0x9000u);
  EXPECT_EQ(job.in.at(0).handle, fakegpu_syncobj_handle(a));
  EXPECT_EQ(job.in.at(0).point, 5u);
  EXPECT_EQ(job.out.at(0).handle, fakegpu_syncobj_handle(b));
  EXPECT_EQ(job.out.at(0).point, 6u);
  fakegpu_syncobj_destroy(a);
  fakegpu_syncobj_destroy(b);
}

TEST_F(Cmdbuf, SyncobjsOfAnotherDeviceAreRefused) {
  test::FakeDevice other;
  fakegpu_syncobj* theirs = nullptr;
  ASSERT_EQ(fakegpu_syncobj_create(other.dev, 0, &theirs), 0);
  EXPECT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, theirs), -EINVAL);
  fakegpu_syncobj_destroy(theirs);
}

TEST_F(Cmdbuf, SubmissionNamesBos) {
  fakegpu_bo* read = nullptr;
  fakegpu_bo* written = nullptr;
  ASSERT_EQ(fakegpu_bo_create(device_.dev, 4096, 0, 0, 0, &read), 0);
  ASSERT_EQ(fakegpu_bo_create(device_.dev, 4096, 0, 0, 0, &written), 0);
  const fakegpu_bo_use uses[] = {{read, DRM_FAKEGPU_BO_USE_READ},
                                 {written, DRM_FAKEGPU_BO_USE_WRITE}};
  fakegpu_submission s = submission(0, &gfx_);
  s.bos = uses;
  s.bo_count = 2;
  ASSERT_EQ(fakegpu_context_submit(ctx_, &s, nullptr), 0);
  const auto& job = device_.state->submissions.at(0);
  ASSERT_EQ(job.bos.size(), 2u);
  EXPECT_EQ(job.bos[0].handle, fakegpu_bo_handle(read));
  EXPECT_EQ(job.bos[0].flags, DRM_FAKEGPU_BO_USE_READ);
  EXPECT_EQ(job.bos[1].handle, fakegpu_bo_handle(written));
  EXPECT_EQ(job.bos[1].flags, DRM_FAKEGPU_BO_USE_WRITE);
  fakegpu_bo_destroy(read);
  fakegpu_bo_destroy(written);
}

TEST_F(Cmdbuf, BosOfAnotherDeviceAreRefused) {
  test::FakeDevice other;
  fakegpu_bo* theirs = nullptr;
  ASSERT_EQ(fakegpu_bo_create(other.dev, 4096, 0, 0, 0, &theirs), 0);
  const fakegpu_bo_use use = {theirs, DRM_FAKEGPU_BO_USE_READ};
  fakegpu_submission s = submission(0, &gfx_);
  s.bos = &use;
  s.bo_count = 1;
  EXPECT_EQ(fakegpu_context_submit(ctx_, &s, nullptr), -EINVAL);
  EXPECT_TRUE(device_.state->submissions.empty());
  fakegpu_bo_destroy(theirs);
}

TEST_F(Cmdbuf, AnEmptyCommandBufferIsLeftOut) {
  ASSERT_EQ(fakegpu_context_submit_one(ctx_, 0, gfx_, nullptr), 0);
  EXPECT_TRUE(device_.state->submissions.at(0).ibs.empty());
}

}  // namespace
}  // namespace fakegpu::umd
