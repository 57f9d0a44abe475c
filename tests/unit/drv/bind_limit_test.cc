// SPDX-License-Identifier: MIT
// How many binds an open file may have.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kVa = 0x4000'0000;

class BindLimit : public testing::Test {
 protected:
  static drv::Options options() {
    drv::Options options;
    options.file_binds = 3;
    return options;
  }
  // The n-th page at kVa.
  static int bind(Client& client, uint32_t vm, uint32_t bo, unsigned page) {
    drm_fakegpu_vm_bind arg = {};
    arg.vm_id = vm;
    arg.handle = bo;
    arg.va = kVa + page * kPage;
    arg.size = kPage;
    return client.call(DRM_IOCTL_FAKEGPU_VM_BIND, arg);
  }
  static int unbind(Client& client, uint32_t vm, unsigned page) {
    drm_fakegpu_vm_unbind arg = {vm, 0, kVa + page * kPage};
    return client.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, arg);
  }
  static uint32_t bo(Client& client) {
    drm_fakegpu_bo_create arg = {};
    arg.size = kPage;
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  static uint32_t another_vm(Client& client) {
    drm_fakegpu_vm_create arg = {};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_CREATE, arg), 0);
    return arg.vm_id;
  }

  VirtualMachine machine_{1, options()};
  Client client_{machine_};
};

TEST_F(BindLimit, HoldsOverAllAddressSpacesOfAFileAndForNobodyElse) {
  const uint32_t bo = this->bo(client_);
  const uint32_t second = another_vm(client_);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 0), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 1), 0);
  EXPECT_EQ(bind(client_, second, bo, 0), 0);
  EXPECT_EQ(bind(client_, second, bo, 1), -EMFILE);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 2), -EMFILE);
  Client other(machine_);
  EXPECT_EQ(bind(other, other.vm(), this->bo(other), 0), 0);
}

TEST_F(BindLimit, RefusedBindsDoNotCount) {
  const uint32_t bo = this->bo(client_);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 0), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bind(client_, client_.vm(), bo, 0), -EEXIST);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 1), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 2), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 3), -EMFILE);
}

TEST_F(BindLimit, AnUnbindGivesOneBack) {
  const uint32_t bo = this->bo(client_);
  for (unsigned page = 0; page < 3; ++page) EXPECT_EQ(bind(client_, client_.vm(), bo, page), 0);
  EXPECT_EQ(unbind(client_, client_.vm(), 1), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 7), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 1), -EMFILE);
}

TEST_F(BindLimit, ADestroyedAddressSpaceGivesAllOfItsBack) {
  const uint32_t bo = this->bo(client_);
  const uint32_t second = another_vm(client_);
  for (unsigned page = 0; page < 3; ++page) EXPECT_EQ(bind(client_, second, bo, page), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 0), -EMFILE);
  drm_fakegpu_vm_destroy destroy = {second, 0};
  EXPECT_EQ(client_.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, destroy), 0);
  for (unsigned page = 0; page < 3; ++page) EXPECT_EQ(bind(client_, client_.vm(), bo, page), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 3), -EMFILE);
}

// Else a client could pile them up behind one long job.
TEST_F(BindLimit, WhatIsKeptForJobsCounts) {
  const uint32_t bo = this->bo(client_);
  packets::pm4::Work work;
  work.unit_ns = 1'000'000;
  ASSERT_EQ(client_.submit({.context = client_.context(), .ibs = {client_.ib(words(work))}}), 0);
  machine_.executor().run_for(10'000);
  // The IB has one bind.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(bind(client_, client_.vm(), bo, 0), 0);
    EXPECT_EQ(unbind(client_, client_.vm(), 0), 0);
  }
  EXPECT_EQ(bind(client_, client_.vm(), bo, 0), -EMFILE);
  machine_.run();
  EXPECT_EQ(bind(client_, client_.vm(), bo, 0), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 1), 0);
  EXPECT_EQ(bind(client_, client_.vm(), bo, 2), -EMFILE);
}

}  // namespace
}  // namespace fakegpu::tests
