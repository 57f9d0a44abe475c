// SPDX-License-Identifier: MIT
// Bounds that the driver's options set: what one file's memory may be.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kFarApart = 1ull << 40;  // no page table but the root in common

class FileBytes : public testing::Test {
 protected:
  // The root table, one BO of a page, and the three tables below the root for two places.
  static constexpr uint64_t kPages = 1 + 1 + 2 * 3;

  static drv::Options options() {
    drv::Options options;
    options.file_bytes = kPages * kPage + 1;
    return options;
  }
  void SetUp() override {
    drm_fakegpu_bo_create arg = {};
    arg.size = kPage;
    ASSERT_EQ(client_.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    bo_ = arg.handle;
  }
  int bind(uint64_t va) {
    drm_fakegpu_vm_bind arg = {};
    arg.vm_id = client_.vm();
    arg.handle = bo_;
    arg.va = va;
    arg.size = kPage;
    return client_.call(DRM_IOCTL_FAKEGPU_VM_BIND, arg);
  }
  uint64_t used() { return machine_.machine().census().heap_bytes[0]; }

  VirtualMachine machine_{1, options()};
  Client client_{machine_};
  uint32_t bo_ = 0;
};

TEST_F(FileBytes, CountPageTablesToo) {
  ASSERT_EQ(bind(kFarApart), 0);
  ASSERT_EQ(bind(2 * kFarApart), 0);
  const uint64_t before = used();
  EXPECT_EQ(bind(3 * kFarApart), -ENOSPC);
  EXPECT_EQ(used(), before);
  EXPECT_EQ(bind(kFarApart + kPage), 0) << "needs no table";

  drm_fakegpu_vm_unbind unbind = {client_.vm(), 0, 3 * kFarApart};
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, unbind), -ENOENT);
}

TEST_F(FileBytes, CountTheRootsOfSpacesToo) {
  uint32_t spaces = 0;
  int result = 0;
  for (drm_fakegpu_vm_create arg = {}; result == 0; ++spaces)
    result = client_.call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg);
  EXPECT_EQ(result, -ENOSPC);
  EXPECT_EQ(spaces, kPages);
}

TEST_F(FileBytes, CountWholePages) {
  ASSERT_EQ(bind(kFarApart), 0);
  drm_fakegpu_bo_create arg = {};
  arg.size = 3 * kPage + 1;
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), -ENOSPC);
  arg.size = 3 * kPage;
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
}

}  // namespace
}  // namespace fakegpu::tests
