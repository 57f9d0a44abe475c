// SPDX-License-Identifier: MIT
// Dumb buffers: on a primary node, and refused on a render node.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

class Dumb : public testing::Test {
 protected:
  int create(drm_mode_create_dumb arg) const {
    return client_.call(DRM_IOCTL_MODE_CREATE_DUMB, arg);
  }
  drm_mode_create_dumb make() const {
    drm_mode_create_dumb arg = {.height = 480, .width = 641, .bpp = 32};
    EXPECT_EQ(client_.call(DRM_IOCTL_MODE_CREATE_DUMB, arg), 0);
    return arg;
  }
  int map(uint32_t handle, uint64_t* offset) const {
    drm_mode_map_dumb arg = {.handle = handle};
    const int result = client_.call(DRM_IOCTL_MODE_MAP_DUMB, arg);
    *offset = arg.offset;
    return result;
  }
  int destroy(uint32_t handle) const {
    drm_mode_destroy_dumb arg = {.handle = handle};
    return client_.call(DRM_IOCTL_MODE_DESTROY_DUMB, arg);
  }

  const Client client_{card_path()};
};

using NodeDumb = Dumb;

TEST_F(Dumb, HasAlignedLinesAndWholePages) {
  const drm_mode_create_dumb dumb = make();
  EXPECT_EQ(dumb.pitch, 2624u);
  EXPECT_EQ(dumb.size, 1261568u);
  drm_fakegpu_bo_info info = {.handle = dumb.handle};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_BO_INFO, info), 0);
  EXPECT_EQ(info.size, dumb.size);
  EXPECT_EQ(destroy(dumb.handle), 0);
  EXPECT_EQ(destroy(dumb.handle), -EINVAL);
}

TEST_F(Dumb, RefusesBadArguments) {
  EXPECT_EQ(create({.height = 0, .width = 1, .bpp = 32}), -EINVAL);
  EXPECT_EQ(create({.height = 1, .width = 0, .bpp = 32}), -EINVAL);
  EXPECT_EQ(create({.height = 1, .width = 1, .bpp = 0}), -EINVAL);
  EXPECT_EQ(create({.height = kHuge, .width = kHuge, .bpp = kHuge}), -EINVAL);
  EXPECT_EQ(create({.height = 1, .width = 1, .bpp = 32, .flags = 1}), -EINVAL);
  uint64_t offset = 0;
  EXPECT_EQ(map(kNoHandle, &offset), -ENOENT);
  EXPECT_EQ(destroy(kNoHandle), -EINVAL);
}

TEST_F(NodeDumb, MapsThroughTheDevice) {
  drm_fakegpu_device_info device = {};
  drm_fakegpu_query query = {
      .item = DRM_FAKEGPU_QUERY_DEVICE, .data = address_of(&device), .size = sizeof(device)};
  ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_QUERY, query), 0);
  if (!(device.features & DRM_FAKEGPU_FEATURE_MMAP))
    GTEST_SKIP() << "machine lacks mmap of the device";
  const drm_mode_create_dumb dumb = make();
  uint64_t offset = 0;
  ASSERT_EQ(map(dumb.handle, &offset), 0);
  void* const memory = ::mmap(nullptr, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED,
                              fakegpu_device_fd(client_.device()), static_cast<off_t>(offset));
  ASSERT_NE(memory, MAP_FAILED);
  auto* const bytes = static_cast<volatile uint8_t*>(memory);
  EXPECT_EQ(bytes[0] | bytes[dumb.size - 1], 0);
  bytes[dumb.size - 1] = 7;
  // The mapping outlives the handle.
  EXPECT_EQ(destroy(dumb.handle), 0);
  bytes[0] = 1;
  ::munmap(memory, dumb.size);
  const drm_mode_create_dumb next = make();
  ASSERT_EQ(map(next.handle, &offset), 0);
  void* const fresh = ::mmap(nullptr, next.size, PROT_READ, MAP_SHARED,
                             fakegpu_device_fd(client_.device()), static_cast<off_t>(offset));
  ASSERT_NE(fresh, MAP_FAILED);
  EXPECT_EQ(static_cast<const uint8_t*>(fresh)[0], 0);
  ::munmap(fresh, next.size);
}

TEST(DumbAccess, IsRefusedAtOnceOnARenderNode) {
  const Client client;
  drm_mode_create_dumb probe = {.height = 1, .width = 1, .bpp = 8};
  EXPECT_EQ(client.call(DRM_IOCTL_MODE_CREATE_DUMB, probe), -EACCES);
  drm_mode_map_dumb map = {.handle = kNoHandle};
  EXPECT_EQ(client.call(DRM_IOCTL_MODE_MAP_DUMB, map), -EACCES);
  drm_mode_destroy_dumb destroy = {.handle = kNoHandle};
  EXPECT_EQ(client.call(DRM_IOCTL_MODE_DESTROY_DUMB, destroy), -EACCES);
}

}  // namespace
}  // namespace fakegpu::conformance
