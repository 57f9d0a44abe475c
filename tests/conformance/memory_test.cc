// SPDX-License-Identifier: MIT
// Buffer objects and address spaces.
#include <gtest/gtest.h>

#include <algorithm>

#include "client.h"

namespace fakegpu::conformance {
namespace {

int create(const Client& client, drm_fakegpu_bo_create arg) {
  return client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg);
}

TEST(BoCreate, RoundsUpToPages) {
  const Client client;
  drm_fakegpu_bo_create arg = {.size = kPage + 1};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
  EXPECT_EQ(arg.size, 2 * kPage);
  EXPECT_EQ(arg.handle, 1u);
  drm_fakegpu_bo_info info = {.handle = arg.handle};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), 0);
  EXPECT_EQ(info.size, 2 * kPage);
  EXPECT_EQ(info.alignment, kPage);
  EXPECT_EQ(info.heap, uint32_t{DRM_FAKEGPU_HEAP_VRAM});
  EXPECT_EQ(info.flags, 0u);
}

TEST(BoCreate, RefusesBadArguments) {
  const Client client;
  EXPECT_EQ(create(client, {.size = 0}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .alignment = 3}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .alignment = 3 * kPage}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .heap = 2}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .heap = UINT32_MAX}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .flags = 2}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .flags = 1u << 31}), -EINVAL);
  EXPECT_EQ(create(client, {.size = kPage, .pad = 1}), -EINVAL);
  EXPECT_EQ(client.make_bo(), 1u) << "refused calls took no handle";
}

TEST(BoCreate, SizesThatDoNotFitFindNoSpace) {
  const Client client;
  for (const uint64_t size : {uint64_t{1} << 40, UINT64_MAX - 4095})
    EXPECT_EQ(create(client, {.size = size}), -ENOSPC) << size;
  // Rounding up must not wrap to 0.
  const int result = create(client, {.size = UINT64_MAX});
  EXPECT_TRUE(result == -ENOSPC || result == -EINVAL) << result;
}

TEST(BoCreate, HonoursTheAlignment) {
  const Client client;
  drm_fakegpu_bo_create arg = {.size = kPage, .alignment = 1 << 16};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
  drm_fakegpu_bo_info info = {.handle = arg.handle};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), 0);
  EXPECT_EQ(info.alignment, 1u << 16);
}

TEST(BoCreate, FullHeapRecoversWhenMemoryIsFreed) {
  const Client client;
  constexpr uint64_t kChunk = 1 << 20;
  std::vector<uint32_t> handles;
  int result = 0;
  while (result == 0) {
    drm_fakegpu_bo_create arg = {.size = kChunk};
    result = client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg);
    if (result == 0) handles.push_back(arg.handle);
    ASSERT_LT(handles.size(), 70u) << "the heap has 64 MiB";
  }
  EXPECT_EQ(result, -ENOSPC);
  EXPECT_GT(handles.size(), 32u);
  EXPECT_EQ(create(client, {.size = kChunk, .heap = DRM_FAKEGPU_HEAP_SYSTEM}), 0)
      << "the other heap is not full";
  for (const uint32_t handle : handles) {
    drm_gem_close arg = {.handle = handle};
    EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, arg), 0);
  }
  EXPECT_EQ(create(client, {.size = handles.size() * kChunk}), 0) << "neighbours merge";
}

TEST(BoInfo, RefusesBadHandlesAndPadding) {
  const Client client;
  drm_gem_close closed = {.handle = client.make_bo()};
  ASSERT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, closed), 0);
  for (const uint32_t handle : {0u, closed.handle, kNoHandle, UINT32_MAX}) {
    drm_fakegpu_bo_info arg = {.handle = handle};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_INFO, arg), -ENOENT) << handle;
    drm_fakegpu_bo_mmap map = {.handle = handle};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_MMAP, map), -ENOENT) << handle;
  }
  drm_fakegpu_bo_info arg = {.handle = 0, .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_INFO, arg), -EINVAL) << "padding before handles";
  drm_fakegpu_bo_mmap map = {.handle = 0, .flags = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_MMAP, map), -EINVAL);
}

TEST(BoMmap, GivesWholePagesThatDoNotOverlap) {
  const Client client;
  drm_fakegpu_bo_mmap first = {.handle = client.make_bo(2 * kPage)};
  drm_fakegpu_bo_mmap second = {.handle = client.make_bo()};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_MMAP, first), 0);
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_MMAP, second), 0);
  EXPECT_EQ(first.offset % kPage, 0u);
  EXPECT_EQ(first.size, 2 * kPage);
  EXPECT_TRUE(first.offset + first.size <= second.offset ||
              second.offset + second.size <= first.offset);
}

class Mapping : public testing::TestWithParam<std::pair<uint32_t, uint32_t>> {};

TEST_P(Mapping, IsZeroedAndKeepsWhatTheCpuWrites) {
  const Client client;
  const Bo bo(client.device(), 3 * kPage, GetParam().first, GetParam().second);
  const auto words = bo.map<uint32_t>();
  EXPECT_TRUE(std::all_of(words.begin(), words.end(), [](uint32_t word) { return word == 0; }));
  std::fill(words.begin(), words.end(), 0xc0ffee);
  const auto again = bo.map<uint32_t>();
  EXPECT_EQ(again.front(), 0xc0ffeeu);
  EXPECT_EQ(again.back(), 0xc0ffeeu);
}

INSTANTIATE_TEST_SUITE_P(
    EveryKind, Mapping,
    testing::Values(std::pair{DRM_FAKEGPU_HEAP_VRAM, 0u}, std::pair{DRM_FAKEGPU_HEAP_SYSTEM, 0u},
                    std::pair{DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE},
                    std::pair{DRM_FAKEGPU_HEAP_SYSTEM, DRM_FAKEGPU_BO_SHAREABLE}));

TEST(Vm, IdsAreTheLowestFree) {
  const Client client;
  EXPECT_EQ(client.make_vm(), 1u);
  EXPECT_EQ(client.make_vm(), 2u);
  drm_fakegpu_vm_destroy destroy = {.vm_id = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, destroy), 0);
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, destroy), -ENOENT);
  EXPECT_EQ(client.make_vm(), 1u);
}

TEST(Vm, RefusesBadArguments) {
  const Client client;
  drm_fakegpu_vm_create create_arg = {.flags = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_CREATE, create_arg), -EINVAL);
  for (const uint32_t id : {0u, kNoHandle, UINT32_MAX}) {
    drm_fakegpu_vm_destroy destroy = {.vm_id = id};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, destroy), -ENOENT) << id;
  }
  drm_fakegpu_vm_destroy padded = {.vm_id = client.make_vm(), .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, padded), -EINVAL);
}

TEST(Vm, AreFew) {
  const Client client;
  int result = 0;
  unsigned made = 0;
  while (result == 0 && made <= 300) {
    drm_fakegpu_vm_create arg = {};
    result = client.call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg);
    made += result == 0;
  }
  EXPECT_EQ(result, -EMFILE);
  EXPECT_EQ(made, 256u);
}

class VmBind : public testing::Test {
 protected:
  drm_fakegpu_vm_bind good() const {
    return {.vm_id = vm_, .handle = bo_, .va = client_.device().info().va_start, .size = kPage};
  }
  int bind(drm_fakegpu_vm_bind arg) const { return client_.call(DRM_IOCTL_FAKEGPU_VM_BIND, arg); }
  int unbind(drm_fakegpu_vm_unbind arg) const {
    return client_.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, arg);
  }
  int bind_with(auto change) const {
    drm_fakegpu_vm_bind arg = good();
    change(arg);
    return bind(arg);
  }

  const Client client_;
  const uint32_t vm_ = client_.make_vm();
  const uint32_t bo_ = client_.make_bo(4 * kPage);
};

TEST_F(VmBind, TakesAFreeRangeOnce) {
  const uint64_t va = good().va;
  EXPECT_EQ(bind(good()), 0);
  EXPECT_EQ(bind(good()), -EEXIST);
  EXPECT_EQ(bind_with([&](auto& arg) { arg.va = va + kPage; }), 0);
  EXPECT_EQ(bind_with([&](auto& arg) { arg.size = 4 * kPage; }), -EEXIST);
  EXPECT_EQ(unbind({.vm_id = vm_, .va = va}), 0);
  EXPECT_EQ(unbind({.vm_id = vm_, .va = va}), -ENOENT);
  EXPECT_EQ(bind(good()), 0);
}

TEST_F(VmBind, RefusesRangesThatAreNotPagesOfTheBo) {
  const auto& info = client_.device().info();
  EXPECT_EQ(bind_with([](auto& arg) { arg.size = 0; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.size = 5 * kPage; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.size = kPage / 2; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.size = UINT64_MAX - 4095; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.bo_offset = 4 * kPage; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.bo_offset = 1; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.bo_offset = UINT64_MAX - 4095; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.va += 1; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.va = 0; }), -EINVAL);
  EXPECT_EQ(bind_with([&](auto& arg) { arg.va = info.va_end; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.va = UINT64_MAX - 4095; }), -EINVAL);
}

TEST_F(VmBind, RefusesFlagsPaddingAndHandles) {
  EXPECT_EQ(bind_with([](auto& arg) { arg.flags = 2; }), -EINVAL);
  EXPECT_EQ(bind_with([](auto& arg) { arg.pad = 1; }), -EINVAL);
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX}) {
    EXPECT_EQ(bind_with([&](auto& arg) { arg.vm_id = bad; }), -ENOENT);
    EXPECT_EQ(bind_with([&](auto& arg) { arg.handle = bad; }), -ENOENT);
    EXPECT_EQ(unbind({.vm_id = bad, .va = good().va}), -ENOENT);
  }
  EXPECT_EQ(unbind({.vm_id = vm_, .pad = 1, .va = good().va}), -EINVAL);
  EXPECT_EQ(unbind({.vm_id = vm_, .va = 3}), -ENOENT);
}

}  // namespace
}  // namespace fakegpu::conformance
