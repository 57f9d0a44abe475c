// SPDX-License-Identifier: MIT
// Dumb buffers, on a primary node.
#include <fcntl.h>

#include "support/fake_descriptors.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr drv::Caller kRoot = {1, 0, 0};

Client primary(VirtualMachine& machine) {
  return {std::move(*machine.machine().open(kRoot, false)), kRoot};
}

drv::Options with_mmap() {
  drv::Options options;
  options.mmap = true;
  return options;
}

struct Dumb : testing::Test {
  static int create(Client& of, drm_mode_create_dumb arg) {
    return of.call(DRM_IOCTL_MODE_CREATE_DUMB, arg);
  }
  static drm_mode_create_dumb make(Client& of, uint32_t width, uint32_t height, uint32_t bpp) {
    drm_mode_create_dumb arg = {};
    arg.width = width;
    arg.height = height;
    arg.bpp = bpp;
    EXPECT_EQ(of.call(DRM_IOCTL_MODE_CREATE_DUMB, arg), 0);
    return arg;
  }
  static int destroy(Client& of, uint32_t handle) {
    drm_mode_destroy_dumb arg = {handle};
    return of.call(DRM_IOCTL_MODE_DESTROY_DUMB, arg);
  }

  VirtualMachine machine;
  Client client = primary(machine);
};

TEST_F(Dumb, IsLaidOutInAlignedLinesAndWholePages) {
  struct {
    uint32_t width, height, bpp, pitch;
    uint64_t size;
  } const kCases[] = {
      {1, 1, 1, 64, 4096},        {64, 64, 32, 256, 16384},
      {17, 3, 24, 64, 4096},      {1024, 768, 32, 4096, 786432 * 4},
      {1366, 3, 16, 2752, 12288}, {1, 65, 8, 64, 8192},
  };
  for (const auto& each : kCases) {
    const auto dumb = make(client, each.width, each.height, each.bpp);
    EXPECT_EQ(dumb.pitch, each.pitch) << each.width;
    EXPECT_EQ(dumb.size, each.size) << each.width;
    EXPECT_EQ(destroy(client, dumb.handle), 0);
  }
}

TEST_F(Dumb, RefusesWhatTheKernelRefuses) {
  EXPECT_EQ(create(client, {.height = 0, .width = 1, .bpp = 32}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1, .width = 0, .bpp = 32}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1, .width = 1, .bpp = 0}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1, .width = 1, .bpp = UINT32_MAX}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1, .width = UINT32_MAX, .bpp = 32}), -EINVAL);
  EXPECT_EQ(create(client, {.height = UINT32_MAX, .width = 1, .bpp = 8}), -EINVAL);
  EXPECT_EQ(create(client, {.height = UINT32_MAX, .width = UINT32_MAX, .bpp = 1u << 31}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1, .width = 1, .bpp = 8, .flags = 1}), -EINVAL);
  EXPECT_EQ(create(client, {.height = 1 << 20, .width = 1024, .bpp = 8}), -ENOSPC) << "1 GiB";
  drm_mode_map_dumb map = {};
  map.handle = 99;
  EXPECT_EQ(client.call(DRM_IOCTL_MODE_MAP_DUMB, map), -ENOENT);
  EXPECT_EQ(destroy(client, 99), -EINVAL);
  EXPECT_EQ(make(client, 1, 1, 8).handle, 1u) << "refused calls took no handle";
}

TEST_F(Dumb, NeedsAPrimaryNode) {
  Client render(machine);
  EXPECT_EQ(create(render, {.height = 1, .width = 1, .bpp = 8}), -EACCES);
  drm_mode_map_dumb map = {};
  EXPECT_EQ(render.call(DRM_IOCTL_MODE_MAP_DUMB, map), -EACCES);
  EXPECT_EQ(destroy(render, 1), -EACCES);
}

TEST_F(Dumb, IsThereToAskFor) {
  drm_get_cap cap = {DRM_CAP_DUMB_BUFFER, 0};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, cap), 0);
  EXPECT_EQ(cap.value, 1u);
}

TEST(DumbMemory, IsMappedThroughTheDeviceWhereThatHasMmap) {
  VirtualMachine machine(1, with_mmap());
  Client client = primary(machine);
  const auto dumb = Dumb::make(client, 64, 64, 32);
  drm_mode_map_dumb map = {};
  map.handle = dumb.handle;
  ASSERT_EQ(client.call(DRM_IOCTL_MODE_MAP_DUMB, map), 0);
  const auto shown = client.file().pages();
  ASSERT_TRUE(shown);
  auto mapping =
      base::Mapping::map_shared(shown->fd.get(), map.offset, dumb.size, PROT_READ | PROT_WRITE);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->bytes().back(), std::byte{0});
  std::memset(mapping->data(), 0x11, dumb.size);
  const auto backing = client.file().bo_backing(dumb.handle);
  const auto same =
      base::Mapping::map_shared(backing->fd.get(), backing->offset, backing->size, PROT_READ);
  EXPECT_EQ(same->bytes().back(), std::byte{0x11});
  // The mapping stays valid, and the next buffer is zeroed.
  EXPECT_EQ(Dumb::destroy(client, dumb.handle), 0);
  mapping->bytes().front() = std::byte{0x22};
  const auto next = Dumb::make(client, 64, 64, 32);
  const auto fresh = client.file().bo_backing(next.handle);
  const auto zeroed =
      base::Mapping::map_shared(fresh->fd.get(), fresh->offset, fresh->size, PROT_READ);
  EXPECT_EQ(zeroed->bytes().front(), std::byte{0});
}

TEST(DumbMemory, IsEitherMappedThroughTheDeviceOrExported) {
  for (const bool mmap : {false, true}) {
    VirtualMachine machine(1, mmap ? with_mmap() : drv::Options());
    FakeDescriptors table;
    Client client = primary(machine);
    client.use(table);
    const auto dumb = Dumb::make(client, 64, 64, 32);
    drm_prime_handle prime = {dumb.handle, DRM_CLOEXEC, -1};
    EXPECT_EQ(client.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, prime), mmap ? -EPERM : 0);
    drm_fakegpu_bo_create bo = {};
    bo.size = 4096;
    bo.flags = DRM_FAKEGPU_BO_SHAREABLE;
    ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), 0);
    drm_mode_map_dumb map = {};
    map.handle = bo.handle;
    EXPECT_EQ(client.call(DRM_IOCTL_MODE_MAP_DUMB, map), mmap ? -EINVAL : 0);
  }
}

}  // namespace
}  // namespace fakegpu::tests
