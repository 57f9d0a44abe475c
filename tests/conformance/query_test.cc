// SPDX-License-Identifier: MIT
// QUERY and CHANNEL.
#include <gtest/gtest.h>

#include <cstring>

#include "client.h"

namespace fakegpu::conformance {
namespace {

TEST(Query, TellsTheSizeFirst) {
  const Client client;
  drm_fakegpu_query arg = {.item = DRM_FAKEGPU_QUERY_DEVICE};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(arg.size, sizeof(drm_fakegpu_device_info));
  arg = {.item = DRM_FAKEGPU_QUERY_RING};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(arg.size, sizeof(drm_fakegpu_ring_info));
  arg = {.item = DRM_FAKEGPU_QUERY_HEAP};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(arg.size, sizeof(drm_fakegpu_heap_info));
}

TEST(Query, CopiesNoMoreThanThereIsRoomFor) {
  const Client client;
  drm_fakegpu_device_info info;
  std::memset(&info, 0xa5, sizeof(info));
  drm_fakegpu_query arg = {
      .item = DRM_FAKEGPU_QUERY_DEVICE, .data = address_of(&info), .size = sizeof(info.name)};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
  EXPECT_EQ(arg.size, sizeof(info));
  EXPECT_STREQ(info.name, "fakegpu-edu");
  EXPECT_EQ(info.device_id, 0xa5a5'a5a5u);
}

TEST(Query, WritesNothingBeyondTheAnswer) {
  const Client client;
  for (const uint32_t size : {uint32_t{sizeof(drm_fakegpu_heap_info)} + 8, 3000u, kHuge}) {
    std::vector<uint8_t> room(8192, 0xa5);
    drm_fakegpu_query arg = {
        .item = DRM_FAKEGPU_QUERY_HEAP, .data = address_of(room.data()), .size = size};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
    EXPECT_EQ(arg.size, sizeof(drm_fakegpu_heap_info));
    for (size_t i = sizeof(drm_fakegpu_heap_info); i < room.size(); ++i)
      ASSERT_EQ(room[i], 0xa5) << "byte " << i << ", size " << size;
  }
}

TEST(Query, RefusesWhatItDoesNotKnow) {
  const Client client;
  drm_fakegpu_query arg = {.item = 100};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL);
  arg = {.item = DRM_FAKEGPU_QUERY_DEVICE, .index = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL);
  arg = {.item = DRM_FAKEGPU_QUERY_RING, .index = client.device().info().ring_count};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL);
  arg = {.item = DRM_FAKEGPU_QUERY_HEAP, .index = UINT32_MAX};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL);
  arg = {.item = DRM_FAKEGPU_QUERY_DEVICE, .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL);
}

TEST(Query, BadDataPointerIsAFault) {
  const Client client;
  for (const uint64_t address : kBadAddresses) {
    drm_fakegpu_query arg = {.item = DRM_FAKEGPU_QUERY_DEVICE, .data = address, .size = 64};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EFAULT);
    arg.pad = 1;
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), -EINVAL) << "padding comes first";
  }
}

TEST(Query, RingsAreOfEveryKindAndReady) {
  const Client client;
  uint32_t kinds = 0;
  for (uint32_t i = 0; i < client.device().info().ring_count; ++i) {
    drm_fakegpu_ring_info info = {};
    drm_fakegpu_query arg = {.item = DRM_FAKEGPU_QUERY_RING,
                             .index = i,
                             .data = address_of(&info),
                             .size = sizeof(info)};
    ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_QUERY, arg), 0);
    EXPECT_EQ(info.ready, 1u);
    EXPECT_GE(info.emitted, info.completed);
    EXPECT_LE(info.type, uint32_t{DRM_FAKEGPU_RING_SDMA});
    EXPECT_NE(strnlen(info.name, sizeof(info.name)), 0u);
    kinds |= 1u << info.type;
  }
  EXPECT_EQ(kinds, 7u);
}

TEST(Query, HeapsCountWhatThisFileHolds) {
  const Client client;
  const Client other;
  EXPECT_EQ(client.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes, 0u);
  const uint64_t used = client.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes;
  drm_gem_close bo = {.handle = client.make_bo(3 * kPage)};
  EXPECT_EQ(client.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes, 3 * kPage);
  EXPECT_EQ(client.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes, used + 3 * kPage);
  EXPECT_EQ(other.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes, 0u);
  EXPECT_EQ(other.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes, used + 3 * kPage);
  EXPECT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, bo), 0);
  EXPECT_EQ(client.heap(DRM_FAKEGPU_HEAP_VRAM).client_bytes, 0u);
  EXPECT_EQ(client.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes, used);
}

TEST(Channel, GivesATokenWhereTheDeviceSaysSo) {
  const Client client;
  drm_fakegpu_channel arg = {};
  const int result = client.call(DRM_IOCTL_FAKEGPU_CHANNEL, arg);
  if (!(client.device().info().features & DRM_FAKEGPU_FEATURE_CHANNEL)) {
    EXPECT_EQ(result, -EOPNOTSUPP);
    return;
  }
  ASSERT_EQ(result, 0);
  EXPECT_NE(strnlen(arg.path, sizeof(arg.path)), 0u);
  EXPECT_LT(strnlen(arg.path, sizeof(arg.path)), sizeof(arg.path));
  drm_fakegpu_channel second = {};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CHANNEL, second), 0);
  EXPECT_FALSE(arg.token[0] == second.token[0] && arg.token[1] == second.token[1]);
}

}  // namespace
}  // namespace fakegpu::conformance
