// SPDX-License-Identifier: MIT
// The device goes away under its clients and its engines.
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

// Memory of a caller who is in the middle of a call when the device goes.
class LastMoment final : public ioctl::UserMemory {
 public:
  explicit LastMoment(drv::Machine& machine) : machine_(machine) {}

  bool fetch(uint64_t address, std::span<std::byte> to) override {
    machine_.shutdown();
    return direct_.fetch(address, to);
  }
  bool store(uint64_t address, std::span<const std::byte> from) override {
    return direct_.store(address, from);
  }

 private:
  drv::Machine& machine_;
  ioctl::DirectMemory direct_;
};

class DuringACall : public testing::Test {
 protected:
  template <typename T>
  int call(unsigned long command, T arg) {
    LastMoment memory(machine_.machine());
    const auto result =
        client_.file().ioctl({static_cast<uint32_t>(command), reinterpret_cast<uintptr_t>(&arg),
                              drv::Caller{1, 0, 0}, 1'000},
                             memory, nullptr);
    return result ? *result : -EINPROGRESS;
  }

  VirtualMachine machine_;
  Client client_{machine_};
};

TEST_F(DuringACall, UnbindingFreesNothing) {
  const auto target = client_.buffer();
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_VM_UNBIND, drm_fakegpu_vm_unbind{client_.vm(), 0, target.va}),
            -ENODEV);
}

TEST_F(DuringACall, ClosingABufferFreesNothing) {
  EXPECT_EQ(call(DRM_IOCTL_GEM_CLOSE, drm_gem_close{client_.buffer().handle, 0}), -ENODEV);
}

TEST_F(DuringACall, DestroyingASpaceFreesNothing) {
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_VM_DESTROY, drm_fakegpu_vm_destroy{client_.vm(), 0}), -ENODEV);
}

TEST_F(DuringACall, NothingIsMade) {
  drm_fakegpu_bo_create bo = {};
  bo.size = 4096;
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_BO_CREATE, bo), -ENODEV);
}

TEST_F(DuringACall, ContextsStay) {
  drm_fakegpu_ctx_destroy arg = {};
  arg.ctx_id = client_.context();
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, arg), -ENODEV);
}

TEST_F(DuringACall, SyncobjsAreNotSignaled) {
  const uint32_t handle = client_.syncobj();
  drm_syncobj_array arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&handle);
  arg.count_handles = 1;
  EXPECT_EQ(call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg), -ENODEV);
}

TEST_F(DuringACall, NothingIsTold) {
  drm_fakegpu_device_info info = {};
  drm_fakegpu_query arg = {};
  arg.item = DRM_FAKEGPU_QUERY_DEVICE;
  arg.size = sizeof(info);
  arg.data = reinterpret_cast<uintptr_t>(&info);
  EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_QUERY, arg), -ENODEV);
  EXPECT_EQ(info.ring_count, 0u);
}

TEST(Shutdown, KeepsWhatWasUnboundUnderAnEngine) {
  VirtualMachine machine;
  Client client(machine);
  const auto target = client.buffer();
  packets::pm4::Work work;
  work.unit_ns = 1'000'000;
  ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(words(work))}}), 0);
  machine.executor().run_for(10'000);
  drm_fakegpu_vm_unbind unbind = {client.vm(), 0, target.va};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, unbind), 0);
  drm_gem_close close = {target.handle, 0};
  ASSERT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, close), 0);
  const auto before = machine.machine().census();
  machine.machine().shutdown();
  EXPECT_EQ(machine.machine().census().bos, before.bos);
}

}  // namespace
}  // namespace fakegpu::tests
