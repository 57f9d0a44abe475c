// SPDX-License-Identifier: MIT
// SUBMIT: what runs on each kind of ring, and what is refused.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

struct RingKind {
  uint32_t type;
  const char* name;
};

class Ring : public testing::TestWithParam<RingKind> {
 protected:
  // Adds a packet that stores `value`.
  static int write(const Worker& worker, size_t dword, uint32_t value) {
    return fakegpu_cmd_fill(worker.packets(), worker.va(dword), value, 4);
  }

  const Client client_;
  const Worker worker_{client_, GetParam().type};
  const uint32_t done_ = client_.make_syncobj();
};

TEST_P(Ring, WritesMemoryThatTheCpuSees) {
  ASSERT_EQ(write(worker_, 3, 0xfeedface), 0);
  ASSERT_EQ(fakegpu_cmd_copy(worker_.packets(), worker_.va(8), worker_.va(3), 4), 0);
  ASSERT_EQ(worker_.submit({}, {{.handle = done_}}), 0);
  ASSERT_EQ(client_.wait({&done_, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(worker_.load(3), 0xfeedfaceu);
  EXPECT_EQ(worker_.load(8), 0xfeedfaceu);
  EXPECT_EQ(worker_.load(4), 0u);
}

TEST_P(Ring, ReadsMemoryThatTheCpuWrote) {
  worker_.store(0, 0x1234'5678);
  ASSERT_EQ(fakegpu_cmd_copy(worker_.packets(), worker_.va(1), worker_.va(0), 4), 0);
  ASSERT_EQ(worker_.submit({}, {{.handle = done_}}), 0);
  ASSERT_EQ(client_.wait({&done_, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(worker_.load(1), 0x1234'5678u);
}

TEST_P(Ring, RunsAfterItsInSyncobjs) {
  const uint32_t gate = client_.make_syncobj();
  Gate held(client_, 1);
  ASSERT_EQ(held.submit({{.handle = gate}}), 0);
  ASSERT_EQ(write(worker_, 0, 1), 0);
  ASSERT_EQ(worker_.submit({{.handle = gate}}, {{.handle = done_, .point = 9}}), 0);
  const uint64_t point = 9;
  EXPECT_EQ(client_.timeline_wait({&done_, 1}, {&point, 1}, client_.deadline(5 * kMilli), 0),
            -ETIME);
  EXPECT_EQ(worker_.load(0), 0u);
  held.open();
  EXPECT_EQ(client_.timeline_wait({&done_, 1}, {&point, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(worker_.load(0), 1u);
}

TEST_P(Ring, WithoutIbsIsAFenceInOrder) {
  drm_fakegpu_submit arg = worker_.submission({});
  arg.ib_count = 0;
  const drm_fakegpu_sync out = {.handle = done_};
  arg.out_sync_count = 1;
  arg.out_syncs = address_of(&out);
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg), 0);
  EXPECT_EQ(arg.seqno, 1u);
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg), 0);
  EXPECT_EQ(arg.seqno, 2u);
  EXPECT_EQ(client_.wait({&done_, 1}, INT64_MAX, 0), 0);
}

TEST_P(Ring, RefusesBadIbs) {
  ASSERT_EQ(write(worker_, 0, 1), 0);
  const drm_fakegpu_ib good = worker_.finish();
  const auto submit = [&](auto change) {
    drm_fakegpu_ib ib = good;
    change(ib);
    drm_fakegpu_submit arg = worker_.submission(ib);
    return client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
  };
  EXPECT_EQ(submit([](auto& ib) { ib.va += 2; }), -EINVAL);
  EXPECT_EQ(submit([](auto& ib) { ib.va = 0; }), -EINVAL);
  EXPECT_EQ(submit([](auto& ib) { ib.va = UINT64_MAX - 31; }), -EINVAL);
  EXPECT_EQ(submit([](auto& ib) { ib.dwords = 0; }), -EINVAL);
  EXPECT_EQ(submit([](auto& ib) { ib.dwords = UINT32_MAX; }), -EINVAL);
  EXPECT_EQ(submit([](auto& ib) { ib.flags = 2; }), -EINVAL);
  if (GetParam().type == DRM_FAKEGPU_RING_SDMA) {
    EXPECT_EQ(submit([](auto& ib) { ib.va += 4; }), -EINVAL);
    EXPECT_EQ(submit([](auto& ib) { ib.dwords += 1; }), -EINVAL);
  }
  EXPECT_EQ(worker_.context().query().jobs_submitted, 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryType, Ring,
                         testing::Values(RingKind{DRM_FAKEGPU_RING_GFX, "Gfx"},
                                         RingKind{DRM_FAKEGPU_RING_COMPUTE, "Compute"},
                                         RingKind{DRM_FAKEGPU_RING_SDMA, "Sdma"}),
                         [](const auto& kind) { return kind.param.name; });

class Submit : public testing::Test {
 protected:
  int submit_with(auto change) {
    drm_fakegpu_submit arg = {};
    arg.ctx_id = context_;
    change(arg);
    return client_.call(DRM_IOCTL_FAKEGPU_SUBMIT, arg);
  }

  const Client client_;
  const uint32_t context_ = client_.make_context(client_.make_vm());
};

TEST_F(Submit, RefusesUnknownFlagsAndHugeCounts) {
  EXPECT_EQ(submit_with([](auto& arg) { arg.flags = 4; }), -EINVAL);
  EXPECT_EQ(submit_with([](auto& arg) { arg.flags = 1u << 31; }), -EINVAL);
  const auto& info = client_.device().info();
  for (const uint64_t address : {uint64_t{0}, uint64_t{0x8}, address_of(this)}) {
    for (const uint32_t count : {std::max(info.max_ibs, info.max_syncobjs) + 1, kHuge}) {
      EXPECT_EQ(submit_with([&](auto& arg) { arg.ib_count = count, arg.ibs = address; }), -EINVAL);
      EXPECT_EQ(submit_with([&](auto& arg) { arg.in_sync_count = count, arg.in_syncs = address; }),
                -EINVAL);
      EXPECT_EQ(
          submit_with([&](auto& arg) { arg.out_sync_count = count, arg.out_syncs = address; }),
          -EINVAL);
    }
  }
}

TEST_F(Submit, BadArrayPointersAreFaults) {
  for (const uint64_t address : {uint64_t{0}, kBadAddresses[0], kBadAddresses[1], UINT64_MAX - 7}) {
    EXPECT_EQ(submit_with([&](auto& arg) { arg.ib_count = 1, arg.ibs = address; }), -EFAULT);
    EXPECT_EQ(submit_with([&](auto& arg) { arg.in_sync_count = 1, arg.in_syncs = address; }),
              -EFAULT);
    EXPECT_EQ(submit_with([&](auto& arg) { arg.out_sync_count = 1, arg.out_syncs = address; }),
              -EFAULT);
    EXPECT_EQ(submit_with([&](auto& arg) { arg.ib_count = 1, arg.ibs = address, arg.flags = 4; }),
              -EINVAL)
        << "flags before arrays";
    EXPECT_EQ(submit_with([&](auto& arg) { arg.ib_count = 1, arg.ibs = address, arg.ctx_id = 0; }),
              -EFAULT)
        << "arrays before handles";
  }
}

TEST_F(Submit, RefusesContextsRingsAndSyncobjsThatDoNotExist) {
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX}) {
    EXPECT_EQ(submit_with([&](auto& arg) { arg.ctx_id = bad; }), -ENOENT);
    const drm_fakegpu_sync sync = {.handle = bad};
    EXPECT_EQ(
        submit_with([&](auto& arg) { arg.in_sync_count = 1, arg.in_syncs = address_of(&sync); }),
        -ENOENT);
    EXPECT_EQ(
        submit_with([&](auto& arg) { arg.out_sync_count = 1, arg.out_syncs = address_of(&sync); }),
        -ENOENT);
  }
  const uint32_t rings = client_.device().info().ring_count;
  EXPECT_EQ(submit_with([&](auto& arg) { arg.ring = rings; }), -EINVAL);
  EXPECT_EQ(submit_with([](auto& arg) { arg.ring = UINT32_MAX; }), -EINVAL);
}

TEST_F(Submit, RefusesPaddedSyncsAndEmptyInSyncobjs) {
  const uint32_t empty = client_.make_syncobj();
  const drm_fakegpu_sync padded = {.handle = empty, .pad = 1};
  EXPECT_EQ(
      submit_with([&](auto& arg) { arg.out_sync_count = 1, arg.out_syncs = address_of(&padded); }),
      -EINVAL);
  const drm_fakegpu_sync no_fence = {.handle = empty};
  EXPECT_EQ(
      submit_with([&](auto& arg) { arg.in_sync_count = 1, arg.in_syncs = address_of(&no_fence); }),
      -EINVAL);
  const drm_fakegpu_sync no_point = {.handle = empty, .point = 4};
  EXPECT_EQ(
      submit_with([&](auto& arg) { arg.in_sync_count = 1, arg.in_syncs = address_of(&no_point); }),
      -EINVAL);
}

TEST_F(Submit, AnErrorLeavesTheOutSyncobjsAlone) {
  const uint32_t good = client_.make_syncobj();
  const drm_fakegpu_sync outs[] = {{.handle = good}, {.handle = kNoHandle}};
  EXPECT_EQ(
      submit_with([&](auto& arg) { arg.out_sync_count = 2, arg.out_syncs = address_of(outs); }),
      -ENOENT);
  EXPECT_EQ(client_.wait({&good, 1}, 0, 0), -EINVAL) << "still without a fence";
}

TEST_F(Submit, LongListsArriveWhole) {
  const uint32_t max = client_.device().info().max_syncobjs;
  std::vector<drm_fakegpu_sync> outs;
  std::vector<uint32_t> handles;
  for (uint32_t i = 0; i < max; ++i) {
    handles.push_back(client_.make_syncobj());
    outs.push_back({.handle = handles.back()});
  }
  EXPECT_EQ(submit_with([&](auto& arg) {
              arg.out_sync_count = max;
              arg.out_syncs = address_of(outs.data());
            }),
            0);
  EXPECT_EQ(client_.wait(handles, INT64_MAX, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), 0);
  EXPECT_EQ(submit_with([&](auto& arg) {
              arg.in_sync_count = max;
              arg.in_syncs = address_of(outs.data());
            }),
            0);
}

}  // namespace
}  // namespace fakegpu::conformance
