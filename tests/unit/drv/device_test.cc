// SPDX-License-Identifier: MIT
// The driver over hardware that does what the fake GPU, in one thread, cannot do by itself.
#include "device.h"

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

  uint32_t read32(uint32_t offset) override {
    if (offset == reg::kIhWptr && std::exchange(lose_entry, false))
      return chip_.read32(reg::kIhRptr) | reg::kIhOverflow;
    return chip_.read32(offset);
  }
  void write32(uint32_t offset, uint32_t value) override { chip_.write32(offset, value); }
  void ring_doorbell(unsigned ring, uint64_t wptr) override { chip_.ring_doorbell(ring, wptr); }
  hw::Memory& memory() override { return chip_.memory(); }
  void set_interrupt_handler(base::UniqueFunction<void()> handler) override {
    chip_.set_interrupt_handler(std::move(handler));
  }

 private:
  hw::Function& chip_;
};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto device = drv::Device::create(function, {}, executor, executor, tracer);
    ASSERT_TRUE(device);
    device_ = std::move(*device);
  }
  void TearDown() override {
    device_->shutdown();
    executor.run();
  }
  Client open() {
    const drv::Caller caller{1, 0, 0};
    return Client(std::make_unique<drv::FileImpl>(*device_, caller, true), caller);
  }

  base::VirtualExecutor executor{1};
  base::Tracer tracer{executor};
  std::unique_ptr<hw::Gpu> gpu = *hw::Gpu::create(small_profile(), executor, executor, tracer);
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

}  // namespace
}  // namespace fakegpu::tests
