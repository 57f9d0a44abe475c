// SPDX-License-Identifier: MIT
// The rules that hold for every call: type, number, size and direction of the command word, and the
// struct's pointer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "client.h"
#include "ioctl/table.h"

namespace fakegpu::conformance {
namespace {

unsigned long command(const ioctl::Row& row) {
  return _IOC(row.direction, row.type, row.nr, row.size);
}

bool is_known(unsigned nr) {
  return ioctl::find_row(_IO('d', nr)) != nullptr;
}

TEST(CommandWord, ForeignTypeIsNoTty) {
  const Client client;
  drm_version arg = {};
  for (const char type : {'D', 'e', '\0', 'T'})
    EXPECT_EQ(client.call(_IOWR(type, 0, drm_version), arg), -ENOTTY) << type;
}

TEST(CommandWord, UnknownNumberIsInvalid) {
  const Client client;
  uint64_t arg[8] = {};
  for (unsigned nr = 0; nr < 256; ++nr) {
    if (is_known(nr)) continue;
    EXPECT_EQ(client.call(_IOWR('d', nr, arg), arg), -EINVAL) << nr;
    EXPECT_EQ(client.call(_IO('d', nr), arg), -EINVAL) << nr;
  }
}

TEST(CommandWord, BadStructPointerIsAFault) {
  const Client client;
  for (const ioctl::Row& row : ioctl::table()) {
    // Those that are denied need not come so far.
    if (!(row.access & ioctl::kRenderAllow)) continue;
    for (const uint64_t address : kBadAddresses)
      EXPECT_EQ(client.call_at(command(row), address), -EFAULT) << row.name << " " << address;
  }
}

TEST(CommandWord, StructAcrossTheEndOfAMappingIsAFault) {
  const Client client;
  const Bo bo(client.device(), 2 * kPage);
  const auto bytes = bo.map();
  const uint64_t end = address_of(bytes.data() + bytes.size());
  // What follows the mapping may be another one: take the end of the address space's lower half.
  const uint64_t last = 0x7fff'ffff'f000 - 4;
  EXPECT_EQ(client.call_at(DRM_IOCTL_FAKEGPU_BO_INFO, last), -EFAULT);
  EXPECT_EQ(client.call_at(DRM_IOCTL_FAKEGPU_BO_INFO, end - sizeof(drm_fakegpu_bo_info)), -ENOENT);
}

TEST(CommandWord, ShorterStructIsExtendedWithZeros) {
  const Client client;
  // SYNCOBJ_CREATE without its flags.
  drm_syncobj_create create = {.handle = 0, .flags = 0xffff'ffff};
  EXPECT_EQ(client.call(resized(DRM_IOCTL_SYNCOBJ_CREATE, 4), create), 0);
  EXPECT_EQ(create.handle, 1u);
  EXPECT_EQ(create.flags, 0xffff'ffffu) << "what was not passed is not written";

  // CTX_CREATE without flags and ctx_id: the context is there, its id is not told.
  drm_fakegpu_ctx_create context = {.vm_id = client.make_vm(), .flags = ~0u, .ctx_id = 77};
  EXPECT_EQ(client.call(resized(DRM_IOCTL_FAKEGPU_CTX_CREATE, 8), context), 0);
  EXPECT_EQ(context.ctx_id, 77u);
  drm_fakegpu_ctx_query query = {.ctx_id = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), 0);

  // Size 0: everything is 0.
  drm_fakegpu_bo_create bo = {.size = kPage, .handle = 77};
  EXPECT_EQ(client.call(resized(DRM_IOCTL_FAKEGPU_BO_CREATE, 0), bo), -EINVAL);
  EXPECT_EQ(bo.handle, 77u);
}

TEST(CommandWord, TailOfALongerStructIsIgnoredAndKept) {
  const Client client;
  struct {
    drm_fakegpu_bo_create known;
    uint8_t tail[64];
  } arg = {.known = {.size = kPage}};
  std::memset(arg.tail, 0xa5, sizeof(arg.tail));
  EXPECT_EQ(client.call(resized(DRM_IOCTL_FAKEGPU_BO_CREATE, sizeof(arg)), arg), 0);
  EXPECT_EQ(arg.known.handle, 1u);
  for (const uint8_t byte : arg.tail) EXPECT_EQ(byte, 0xa5);

  // Longer than anything that exists.
  std::vector<uint8_t> large(4000, 0x5a);
  const drm_fakegpu_bo_info info = {.handle = 1};
  std::memcpy(large.data(), &info, sizeof(info));
  EXPECT_EQ(fakegpu_device_ioctl_once(client.device(), resized(DRM_IOCTL_FAKEGPU_BO_INFO, 4000),
                                      large.data()),
            0);
  EXPECT_EQ(reinterpret_cast<drm_fakegpu_bo_info*>(large.data())->size, kPage);
  EXPECT_EQ(large.back(), 0x5a);
}

TEST(CommandWord, DirectionBitsCount) {
  const Client client;
  const uint32_t handle = client.make_bo();
  drm_fakegpu_bo_info info = {.handle = handle};
  EXPECT_EQ(client.call(redirected(DRM_IOCTL_FAKEGPU_BO_INFO, _IOC_WRITE), info), 0);
  EXPECT_EQ(info.size, 0u) << "without the read bit nothing is copied back";

  EXPECT_EQ(client.call(redirected(DRM_IOCTL_FAKEGPU_BO_INFO, _IOC_READ), info), -ENOENT)
      << "without the write bit the driver sees zeros";
  EXPECT_EQ(info.handle, 0u);

  info.handle = handle;
  EXPECT_EQ(client.call(redirected(DRM_IOCTL_FAKEGPU_BO_INFO, _IOC_NONE), info), -ENOENT);
  EXPECT_EQ(info.handle, handle);
}

TEST(CommandWord, StructComesBackOnErrors) {
  const Client client;
  drm_get_cap cap = {.capability = 0xdead, .value = 42};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_CAP, cap), -EOPNOTSUPP);
  EXPECT_EQ(cap.value, 0u);
  // An error leaves in-fields as they were.
  drm_fakegpu_bo_create bo = {
      .size = 0, .alignment = 3, .heap = 9, .flags = 5, .handle = 7, .pad = 1};
  const drm_fakegpu_bo_create before = bo;
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), -EINVAL);
  EXPECT_EQ(std::memcmp(&bo, &before, sizeof(bo)), 0);
}

// Each is refused by the access rules, not by its arguments: this is a render node.
TEST(CommandWord, CallsOfThePrimaryNodeAreDenied) {
  const Client client;
  char text[32] = {};
  drm_unique unique = {.unique_len = sizeof(text), .unique = text};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_UNIQUE, unique), -EACCES);
  drm_client opener = {};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_CLIENT, opener), -EACCES);
  drm_stats stats = {};
  EXPECT_EQ(client.call(DRM_IOCTL_GET_STATS, stats), -EACCES);
  drm_set_version version = {.drm_di_major = 1, .drm_di_minor = 4};
  EXPECT_EQ(client.call(DRM_IOCTL_SET_VERSION, version), -EACCES);
  drm_set_client_cap cap = {};
  EXPECT_EQ(client.call(DRM_IOCTL_SET_CLIENT_CAP, cap), -EACCES);
}

// Without a library in between: the kernel's own ioctl(), where there is a descriptor for it.
TEST(CommandWord, PlainIoctlGivesTheSame) {
  const Client client;
  const int fd = fakegpu_device_fd(client.device());
  if (fd < 0) {
    EXPECT_FALSE(client.has_node());
    return;
  }
  drm_syncobj_create create = {};
  EXPECT_EQ(::ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), 0);
  EXPECT_EQ(create.handle, 1u);
  EXPECT_EQ(::ioctl(fd, _IOWR('D', 0, drm_version), &create), -1);
  EXPECT_EQ(errno, ENOTTY);
  EXPECT_EQ(::ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, 8), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(::ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &create), 0);
  EXPECT_EQ(::ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &create), -1);
  EXPECT_EQ(errno, EINVAL);
}

}  // namespace
}  // namespace fakegpu::conformance
