// SPDX-License-Identifier: MIT
// Bounds that the driver's options set: what one file's memory may be, and what a ring may hold.
#include "ring.h"
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

TEST(RingCapacity, MoreJobsThanARingHoldsAreRefusedAtBringUp) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  drv::Options options;
  options.hw_submission = drv::Ring::kMaxJobs + 1;
  const auto machine = drv::Machine::create(small_profile(), options, executor, executor, tracer);
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().code(), EINVAL);
  EXPECT_NE(machine.error().message().find("hw_submission"), std::string::npos);
  executor.run();
}

TEST(RingCapacity, AsManyLargestJobsAsARingHoldsAllRun) {
  drv::Options options;
  options.hw_submission = drv::Ring::kMaxJobs;
  VirtualMachine machine(1, options);
  Client client(machine);
  const uint32_t context = client.context();
  auto target = client.buffer();
  packets::pm4::Work work;
  work.unit_ns = 1'000'000;
  packets::pm4::AtomicMem add;
  add.op = packets::AtomicOp::kAdd32;
  add.address = target.va;
  add.data = 1;
  const std::vector<drm_fakegpu_ib> ibs(drv::Ring::kMaxIbs, client.ib(words(add)));
  ASSERT_EQ(client.submit({.context = context, .ibs = {client.ib(words(work))}}), 0);
  // Several times around the ring.
  constexpr unsigned kJobs = 4 * drv::Ring::kMaxJobs;
  for (unsigned i = 0; i < kJobs; ++i)
    ASSERT_EQ(client.submit({.context = context, .ibs = ibs}), 0);
  machine.run();
  EXPECT_EQ(target.as<uint32_t>()[0], kJobs * drv::Ring::kMaxIbs);
}

}  // namespace
}  // namespace fakegpu::tests
