// SPDX-License-Identifier: MIT
// Clients do not see, reach or hold up one another, and a hang costs only who caused it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "client.h"

namespace fakegpu::conformance {
namespace {

TEST(Isolation, HandlesOfAnotherFileDoNotExist) {
  const Client owner;
  const Client stranger;
  // Two of each, so that no number of the owner's is one of the stranger's by chance.
  owner.make_bo();
  const uint32_t bo = owner.make_bo();
  owner.make_syncobj();
  const uint32_t syncobj = owner.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  owner.make_vm();
  const uint32_t vm = owner.make_vm();
  owner.make_context(vm);
  const uint32_t context = owner.make_context(vm);

  drm_fakegpu_bo_info info = {.handle = bo};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), -ENOENT);
  EXPECT_EQ(info.size, 0u);
  drm_fakegpu_bo_mmap map = {.handle = bo};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_BO_MMAP, map), -ENOENT);
  drm_gem_close close = {.handle = bo};
  EXPECT_EQ(stranger.call(DRM_IOCTL_GEM_CLOSE, close), -EINVAL);
  EXPECT_EQ(stranger.wait({&syncobj, 1}, 0, 0), -ENOENT);
  EXPECT_EQ(stranger.signal({&syncobj, 1}), -ENOENT);
  EXPECT_EQ(stranger.reset({&syncobj, 1}), -ENOENT);
  drm_syncobj_destroy destroy = {.handle = syncobj};
  EXPECT_EQ(stranger.call(DRM_IOCTL_SYNCOBJ_DESTROY, destroy), -EINVAL);
  drm_fakegpu_ctx_create create = {.vm_id = vm};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, create), -ENOENT);
  drm_fakegpu_submit submit = {.ctx_id = context};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_SUBMIT, submit), -ENOENT);
  drm_fakegpu_vm_destroy vm_destroy = {.vm_id = vm};
  EXPECT_EQ(stranger.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, vm_destroy), -ENOENT);

  drm_fakegpu_bo_info own = {.handle = bo};
  EXPECT_EQ(owner.call(DRM_IOCTL_FAKEGPU_BO_INFO, own), 0);
  EXPECT_EQ(owner.wait({&syncobj, 1}, 0, 0), 0);
}

TEST(Isolation, FreshMemoryIsZeroWhateverWasThereBefore) {
  constexpr uint64_t kSize = 16 << 20;
  for (const uint32_t heap : {DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_HEAP_SYSTEM}) {
    {
      const Client writer;
      const Bo secret(writer.device(), kSize, heap);
      const auto words = secret.map<uint32_t>();
      std::fill(words.begin(), words.end(), 0x5ec2e7);
    }
    const Client reader;
    std::vector<Bo> bos;
    for (int i = 0; i < 3; ++i) bos.emplace_back(reader.device(), kSize, heap);
    for (const Bo& bo : bos) {
      const auto words = bo.map<uint32_t>();
      EXPECT_TRUE(std::all_of(words.begin(), words.end(), [](uint32_t word) { return word == 0; }));
    }
  }
}

TEST(Isolation, AnAddressOfAnotherClientFaultsAndReadsNothing) {
  const Client owner;
  const Bo secret(owner.device(), kPage);
  secret.map<uint32_t>()[0] = 0x5ec2e7;
  // Far from what the spy has itself.
  const uint64_t va = owner.device().info().va_end - kPage;
  fakegpu_vm* space = nullptr;
  ASSERT_EQ(fakegpu_vm_create(owner.device(), &space), 0);
  drm_fakegpu_vm_bind bind = {
      .vm_id = owner.make_vm(), .handle = fakegpu_bo_handle(secret), .va = va, .size = kPage};
  ASSERT_EQ(owner.call(DRM_IOCTL_FAKEGPU_VM_BIND, bind), 0);
  fakegpu_vm_destroy(space);

  const Client spy;
  const Worker worker(spy, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_copy(worker.packets(), worker.va(), va, 4), 0);
  ASSERT_EQ(worker.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT), 0);
  drm_fakegpu_event_fence event = {};
  ASSERT_EQ(fakegpu_device_read_events(spy.device(), &event, 1, 1), 1);
  EXPECT_EQ(event.error, -ETIME);
  EXPECT_EQ(worker.load(0), 0u);
  EXPECT_TRUE(worker.context().query().flags & DRM_FAKEGPU_CTX_GUILTY);
}

class Hang : public testing::TestWithParam<uint32_t> {};

TEST_P(Hang, CostsOnlyTheGuiltyContext) {
  const Client guilty;
  const Client innocent;
  const Worker hanging(guilty, DRM_FAKEGPU_RING_GFX);
  const Worker working(innocent, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_hang(hanging.packets(), GetParam(), 0), 0);
  ASSERT_EQ(fakegpu_cmd_fill(working.packets(), working.va(), 0xa11ce, 4), 0);

  ASSERT_EQ(hanging.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT, 1), 0);
  ASSERT_EQ(hanging.submit({}, {}, DRM_FAKEGPU_SUBMIT_EVENT, 2), 0);
  const uint32_t done = innocent.make_syncobj();
  ASSERT_EQ(working.submit({}, {{.handle = done}}, DRM_FAKEGPU_SUBMIT_EVENT), 0);

  drm_fakegpu_event_fence event = {};
  ASSERT_EQ(fakegpu_device_read_events(guilty.device(), &event, 1, 1), 1);
  EXPECT_EQ(event.user_data, 1u);
  // Waves are killed one job after the other; a queue is reset with all that it holds.
  const bool wave = GetParam() == FAKEGPU_HANG_WAVE;
  EXPECT_EQ(event.error, wave ? -ENODATA : -ETIME);
  ASSERT_EQ(fakegpu_device_read_events(guilty.device(), &event, 1, 1), 1);
  EXPECT_EQ(event.user_data, 2u);
  EXPECT_EQ(event.error, wave ? -ENODATA : -ECANCELED);

  ASSERT_EQ(innocent.wait({&done, 1}, INT64_MAX, 0), 0);
  EXPECT_EQ(working.load(0), 0xa11ceu);
  ASSERT_EQ(fakegpu_device_read_events(innocent.device(), &event, 1, 1), 1);
  EXPECT_EQ(event.error, 0);

  EXPECT_EQ(hanging.submit({}, {}), -ECANCELED);
  EXPECT_EQ(hanging.context().query().flags, DRM_FAKEGPU_CTX_RESET | DRM_FAKEGPU_CTX_GUILTY);
  EXPECT_EQ(working.context().query().flags, DRM_FAKEGPU_CTX_RESET);
  EXPECT_EQ(working.submit({}, {{.handle = done}}), 0);
  EXPECT_EQ(innocent.wait({&done, 1}, INT64_MAX, 0), 0);

  // The same client may start again.
  const Worker fresh(guilty, DRM_FAKEGPU_RING_GFX);
  const uint32_t again = guilty.make_syncobj();
  EXPECT_EQ(fresh.context().query().flags, 0u);
  EXPECT_EQ(fresh.submit({}, {{.handle = again}}), 0);
  EXPECT_EQ(guilty.wait({&again, 1}, INT64_MAX, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Hang, testing::Values(FAKEGPU_HANG_WAVE, FAKEGPU_HANG_PROCESSOR));

TEST(Isolation, AClosedFileTakesItsJobsAndMemoryAlong) {
  const Client watcher;
  const uint64_t used = watcher.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes;
  {
    const Client leaving;
    const Worker stuck(leaving, DRM_FAKEGPU_RING_GFX);
    ASSERT_EQ(fakegpu_cmd_hang(stuck.packets(), FAKEGPU_HANG_WAVE, 0), 0);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(stuck.submit({}, {}), 0);
    leaving.make_bo(1 << 20);
  }
  const Worker worker(watcher, DRM_FAKEGPU_RING_GFX);
  ASSERT_EQ(fakegpu_cmd_nop(worker.packets(), 8), 0);
  const uint32_t done = watcher.make_syncobj();
  ASSERT_EQ(worker.submit({}, {{.handle = done}}), 0);
  EXPECT_EQ(watcher.wait({&done, 1}, INT64_MAX, 0), 0);
  const auto heap = watcher.heap(DRM_FAKEGPU_HEAP_VRAM);
  EXPECT_EQ(heap.used_bytes - heap.client_bytes, used);
}

}  // namespace
}  // namespace fakegpu::conformance
