// SPDX-License-Identifier: MIT
// BOs that a submission of the library names: the order of the jobs of two clients that share a BO
// and nothing else.
#include <gtest/gtest.h>

#include <fakegpu/fakegpu.hpp>

#include "base/trace.h"
#include "base/virtual_executor.h"
#include "device.h"
#include "drv/machine.h"
#include "drv/native_descriptors.h"
#include "inprocess/inprocess_transport.h"

namespace fakegpu::umd {
namespace {

constexpr uint32_t kWritten = 0x600d;

fakegpu_device* open_on(drv::Machine& machine, base::VirtualExecutor& time,
                        drv::NativeDescriptors& descriptors) {
  Shell shell = {time, [&time] { return time.step(); }, Idle::kDeadlock, nullptr, &descriptors};
  std::unique_ptr<Transport> transport;
  EXPECT_EQ(make_inprocess_transport(machine, std::move(shell), &transport), 0);
  fakegpu_device* device = nullptr;
  EXPECT_EQ(open_transport(std::move(transport), &device), 0);
  return device;
}

// A client with one job, on a ring that is its own.
struct Client {
  Client(fakegpu_device* handle, uint32_t ring_type)
      : device(handle), ring(device.ring(ring_type)), job(context, ring_type) {}

  void submit(const Bo& bo, uint32_t use) const {
    const fakegpu_sync_point signal = done.at();
    const fakegpu_bo_use uses[] = {bo.use(use)};
    context.submit(ring, {job}, {}, {&signal, 1}, 0, 0, uses);
  }
  bool is_done() const { return wait(device, done.at(), 0); }

  fakegpu::Device device;
  fakegpu::Context context{device};
  fakegpu::Syncobj done{device};
  uint32_t ring;
  CommandBuffer job;
};

struct SharedBo : testing::Test {
  // The first job takes its time and then writes; the second reads that at once.
  SharedBo() {
    EXPECT_EQ(fakegpu_cmd_work(first.job, 1, 1'000'000, 0, 0), 0);
    EXPECT_EQ(fakegpu_cmd_write_data(first.job, FAKEGPU_DST_MEMORY, 0, bo.va(), &kWritten, 1), 0);
    EXPECT_EQ(fakegpu_cmd_copy_data(second.job, FAKEGPU_SRC_MEMORY, imported.va(),
                                    FAKEGPU_DST_MEMORY, seen.va(), 0),
              0);
  }
  ~SharedBo() override { time.run(); }

  // Until the second job is done.
  void run(uint32_t first_use, uint32_t second_use) {
    first.submit(bo, first_use);
    second.submit(imported, second_use);
    EXPECT_TRUE(wait(second.device, second.done.at()));
  }

  base::VirtualExecutor time{1};
  base::Tracer tracer{time};
  std::unique_ptr<drv::Machine> machine =
      std::move(*drv::Machine::create(hw::Profile(), drv::Options(), time, time, tracer));
  std::unique_ptr<drv::NativeDescriptors> descriptors =
      std::move(*drv::NativeDescriptors::create(16, 4));
  Client first{open_on(*machine, time, *descriptors), DRM_FAKEGPU_RING_GFX};
  Client second{open_on(*machine, time, *descriptors), DRM_FAKEGPU_RING_COMPUTE};
  Bo bo{first.device, 4096, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE};
  Bo imported = Bo::import_fd(second.device, bo.export_fd());
  Bo seen{second.device, 4096};
};

TEST_F(SharedBo, WhoReadsItWaitsForTheOtherClientsWriter) {
  run(DRM_FAKEGPU_BO_USE_WRITE, DRM_FAKEGPU_BO_USE_READ);
  EXPECT_TRUE(first.is_done());
  EXPECT_EQ(seen.map<uint32_t>()[0], kWritten);
}

TEST_F(SharedBo, WhoWritesItWaitsForTheOtherClientsReader) {
  run(DRM_FAKEGPU_BO_USE_READ, DRM_FAKEGPU_BO_USE_WRITE);
  EXPECT_TRUE(first.is_done());
}

TEST_F(SharedBo, ReadersDoNotWaitForEachOther) {
  run(DRM_FAKEGPU_BO_USE_READ, DRM_FAKEGPU_BO_USE_READ);
  EXPECT_FALSE(first.is_done());
}

TEST_F(SharedBo, WhoIsExplicitWaitsForNobody) {
  run(DRM_FAKEGPU_BO_USE_WRITE, DRM_FAKEGPU_BO_USE_EXPLICIT);
  EXPECT_FALSE(first.is_done());
  EXPECT_EQ(seen.map<uint32_t>()[0], 0u);
}

TEST_F(SharedBo, NamingItTwiceOrWithoutAUseIsRefused) {
  const fakegpu_bo_use twice[] = {bo.use(DRM_FAKEGPU_BO_USE_READ),
                                  bo.use(DRM_FAKEGPU_BO_USE_WRITE)};
  const fakegpu_bo_use none[] = {bo.use(0)};
  fakegpu_submission submission = {};
  submission.ring = first.ring;
  submission.bos = twice;
  submission.bo_count = 2;
  EXPECT_EQ(fakegpu_context_submit(first.context, &submission, nullptr), -EINVAL);
  submission.bos = none;
  submission.bo_count = 1;
  EXPECT_EQ(fakegpu_context_submit(first.context, &submission, nullptr), -EINVAL);
}

}  // namespace
}  // namespace fakegpu::umd
