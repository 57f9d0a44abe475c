// SPDX-License-Identifier: MIT
// The driver over hardware that does what the fake GPU, in one thread, cannot do by itself.
#include "device.h"

#include <atomic>
#include <utility>

#include "file_impl.h"
#include "hw/gpu.h"
#include "hw/registers.h"
#include "support/virtual_machine.h"

namespace fakegpu::tests {
namespace {

namespace reg = hw::reg;

// The chip's function, with mishaps.
class Mishaps final : public hw::Function {
 public:
  explicit Mishaps(hw::Function& chip) : chip_(chip) {}

  // The next look at the interrupt ring finds that its entry was lost.
  bool lose_entry = false;
  // When the next reset of ring 0 is asked for, what was emitted there has just completed.
  bool complete_before_reset = false;
  // Called when a reset of ring 0 is asked for.
  base::UniqueFunction<void()> reset_asked;
  // Called instead of ringing a doorbell.
  base::UniqueFunction<void(unsigned ring, uint64_t wptr)> ring_late;
  // So many more looks find that a reset of ring 0 is not done.
  unsigned looks_before_reset = 0;
  // Invalidations do not end: an engine holds translations.

  uint32_t read32(uint32_t offset) override {
    if (offset == reg::kIhWptr && std::exchange(lose_entry, false))
      return chip_.read32(reg::kIhRptr) | reg::kIhOverflow;
    if (offset == reg::ring(0, reg::kRingReset) && looks_before_reset > 0) {
      --looks_before_reset;
      return 1;
    }
    return chip_.read32(offset);
  }
  void write32(uint32_t offset, uint32_t value) override {
    if (offset == reg::ring(0, reg::kRingReset) && std::exchange(complete_before_reset, false))
      complete_newest();
    if (offset == reg::ring(0, reg::kRingReset) && reset_asked) reset_asked();
    chip_.write32(offset, value);
  }
  void ring_doorbell(unsigned ring, uint64_t wptr) override {
    ring_late ? ring_late(ring, wptr) : chip_.ring_doorbell(ring, wptr);
  }
  hw::Memory& memory() override { return chip_.memory(); }
  void set_interrupt_handler(base::UniqueFunction<void()> handler) override {
    chip_.set_interrupt_handler(std::move(handler));
  }

 private:
  // Does what the last RELEASE_MEM in the ring says, which has not wrapped.
  void complete_newest() {
    const uint64_t base = chip_.read64(reg::ring(0, reg::kRingBaseLo));
    const uint64_t wptr = chip_.read64(reg::ring(0, reg::kRingWptrLo));
    const auto bytes = chip_.memory().at(base, wptr * 4);
    const std::span packets(reinterpret_cast<uint32_t*>(bytes.data()), wptr);
    const auto fence = packets::pm4::ReleaseMem::parse(packets.last(8));
    ASSERT_TRUE(fence);
    auto* slot = reinterpret_cast<uint64_t*>(chip_.memory().at(fence->address, 8).data());
    std::atomic_ref(*slot).store(fence->data);
  }

  hw::Function& chip_;
};

// A host that is busy with something else: the next timer that is set while `late` fires so much
// after its time.
class BusyHost final : public base::Executor {
 public:
  explicit BusyHost(base::VirtualExecutor& host) : host_(host) {}

  base::Nanos late = 0;

  void post(base::Task task) override { host_.post(std::move(task)); }
  base::TimerId post_at(base::Nanos when, base::Task task) override {
    return host_.post_at(when + std::exchange(late, 0), std::move(task));
  }
  bool cancel(base::TimerId timer) override { return host_.cancel(timer); }
  bool run_one() override { return host_.run_one(); }
  void wake_sleepers(const uint32_t* word) override { host_.wake_sleepers(word); }

 private:
  base::VirtualExecutor& host_;
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto device = drv::Device::create(function, {}, executor, host, tracer, faults);
    ASSERT_TRUE(device);
    device_ = std::move(*device);
  }
  void TearDown() override {
    device_->shutdown();
    executor.run();
  }
  Client open() {
    const drv::Caller caller{1, 0, 0};
    return Client(std::make_unique<drv::FileImpl>(*device_, caller, true, nullptr), caller);
  }

  drv::Device& device() { return *device_; }
  static void unbind_and_close(Client& client, const Client::Buffer& buffer) {
    drm_fakegpu_vm_unbind unbind = {client.vm(), 0, buffer.va};
    ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, unbind), 0);
    drm_gem_close close = {buffer.handle, 0};
    ASSERT_EQ(client.call(DRM_IOCTL_GEM_CLOSE, close), 0);
  }

  base::VirtualExecutor executor{1};
  BusyHost host{executor};
  base::Tracer tracer{executor};
  std::unique_ptr<hw::Gpu> gpu = *hw::Gpu::create(small_profile(), executor, executor, tracer);
  drv::Faults faults{gpu->faults(), executor};
  Mishaps function{gpu->function(0)};

 private:
  std::unique_ptr<drv::Device> device_;
};

TEST_F(DeviceTest, AFaultWhoseReportWasLostIsFound) {
  Client client = open();
  const uint32_t done = client.syncobj();
  ASSERT_EQ(client.submit({.context = client.context(),
                           .ibs = {client.ib({0xc0007700, 0})},
                           .out = {{done, 0, 0}}}),
            0);
  function.lose_entry = true;
  executor.run_for(10 * base::kNanosPerMilli);
  EXPECT_FALSE(function.lose_entry);
  EXPECT_EQ(client.poll_syncobj(done), 0);
}

TEST_F(DeviceTest, WhatCompletesWhileAResetIsAskedForDoesNotRunAgain) {
  Client slow = open();
  Client quick = open();
  const uint32_t slow_context = slow.context();
  const uint32_t slow_done = slow.syncobj();
  const uint32_t quick_context = quick.context();
  const uint32_t quick_done = quick.syncobj();
  auto target = quick.buffer();
  packets::pm4::Hang hang;
  hang.mode = packets::pm4::Hang::Mode::kProcessor;
  ASSERT_EQ(
      slow.submit(
          {.context = slow_context, .ibs = {slow.ib(words(hang))}, .out = {{slow_done, 0, 0}}}),
      0);
  ASSERT_EQ(quick.submit({.context = quick_context,
                          .ibs = {quick.ib(write_dword(target.va, 7))},
                          .out = {{quick_done, 0, 0}}}),
            0);
  function.complete_before_reset = true;
  executor.run_for(2'100 * base::kNanosPerMilli);
  EXPECT_EQ(slow.poll_syncobj(slow_done), 0);
  EXPECT_EQ(quick.poll_syncobj(quick_done), 0);
  EXPECT_EQ(target.as<uint32_t>()[0], 0u);
  EXPECT_EQ(slow.submit({.context = slow_context, .ibs = {}}), -ECANCELED)
      << "its fence says that its waves were killed";
  EXPECT_EQ(quick.submit({.context = quick_context, .ibs = {}}), 0);
}

TEST_F(DeviceTest, ARingIsNotGivenUpForTimeInWhichNobodyLookedAtIt) {
  Client client = open();
  ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib({0xc0007700, 0})}}), 0);
  function.reset_asked = [this] {
    function.looks_before_reset = 8;
    host.late = 3 * base::kNanosPerSecond;
  };
  executor.run_for(4 * base::kNanosPerSecond);
  EXPECT_EQ(function.looks_before_reset, 0u);
  EXPECT_EQ(client.submit({.context = client.context(), .ibs = {}}), 0);
}

TEST_F(DeviceTest, WhatAWedgedDeviceUsedIsKept) {
  ASSERT_TRUE(gpu->faults().inject({.name = "mute-gpu-reset", .nth = 1}));
  uint64_t bos = 0;
  {
    Client client = open();
    const auto buffer = client.buffer();
    packets::pm4::Hang packet;
    packet.mode = packets::pm4::Hang::Mode::kSurviveSoftReset;
    ASSERT_EQ(client.submit({.context = client.context(), .ibs = {client.ib(words(packet))}}), 0);
    bos = device().census().bos;
    executor.run_for(6 * base::kNanosPerSecond);
    EXPECT_EQ(client.submit({.context = client.context(), .ibs = {}}), -ENODEV);
    unbind_and_close(client, buffer);
    EXPECT_EQ(device().census().bos, bos);
  }
  executor.run_for(base::kNanosPerSecond);
  EXPECT_EQ(device().census().bos, bos);
}

TEST(BringUp, ARingThatAnswersLateOnABusyHostIsSound) {
  base::VirtualExecutor executor(1);
  base::Tracer tracer(executor);
  const auto gpu = *hw::Gpu::create(small_profile(), executor, executor, tracer);
  Mishaps function(gpu->function(0));
  function.ring_late = [&](unsigned ring, uint64_t wptr) {
    executor.post_at(executor.now() + base::kNanosPerSecond,
                     [&, ring, wptr] { gpu->function(0).ring_doorbell(ring, wptr); });
  };
  drv::Faults faults(gpu->faults(), executor);
  const auto device = drv::Device::create(function, {}, executor, executor, tracer, faults);
  EXPECT_TRUE(device) << device.error().message();
}

}  // namespace
}  // namespace fakegpu::tests
