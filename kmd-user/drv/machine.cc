// SPDX-License-Identifier: MIT
#include "drv/machine.h"

#include "device.h"
#include "file_impl.h"
#include "hw/gpu.h"
#include "sched/policy.h"
#include "sw_sync_file.h"

namespace fakegpu::drv {

namespace {

class MachineImpl final : public Machine {
 public:
  MachineImpl(std::unique_ptr<hw::Gpu> gpu, const base::Clock& clock)
      : gpu_(std::move(gpu)), faults_(gpu_->faults(), clock) {}

  base::Result<> bind(Options options, base::Clock& clock, base::Executor& executor,
                      base::Tracer& tracer) {
    auto device =
        Device::create(gpu_->function(0), std::move(options), clock, executor, tracer, faults_);
    if (!device) return tl::unexpected(std::move(device).error());
    device_ = std::move(*device);
    return {};
  }

  base::Result<std::unique_ptr<File>> open(const Caller& opener, bool render,
                                           File* memory_of) override {
    if (device_->unplugged()) return base::fail(ENODEV, "the device is gone");
    base::Ref<mm::Arena> shared;
    if (memory_of) {
      DeviceLock::Guard guard(device_->lock());
      auto arena = static_cast<FileImpl*>(memory_of)->arena();
      if (!arena) return tl::unexpected(std::move(arena).error());
      shared = std::move(*arena);
    }
    return std::make_unique<FileImpl>(*device_, opener, render, std::move(shared));
  }

  base::Result<std::unique_ptr<File>> open_sw_sync(std::string_view name) override {
    if (device_->unplugged()) return base::fail(ENODEV, "the device is gone");
    return std::make_unique<SwSyncFile>(*device_, name);
  }

  File* redeem(const uint64_t token[2], uint32_t uid) override {
    DeviceLock::Guard guard(device_->lock());
    return device_->tokens().redeem({token[0], token[1]}, uid, device_->now());
  }

  void shutdown() override { device_->shutdown(); }
  Faults& faults() override { return faults_; }
  Census census() override { return device_->census(); }

 private:
  std::unique_ptr<hw::Gpu> gpu_;
  Faults faults_;
  std::unique_ptr<Device> device_;
};

}  // namespace

std::span<const std::string_view> policy_names() {
  return sched::policy_names();
}

std::span<const std::string_view> recovery_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const AftermathPolicy& policy : aftermath_policies()) all.push_back(policy.name);
    return all;
  }();
  return names;
}

base::Result<std::unique_ptr<Machine>> Machine::create(const hw::Profile& profile, Options options,
                                                       base::Clock& clock, base::Executor& executor,
                                                       base::Tracer& tracer) {
  auto gpu = hw::Gpu::create(profile, clock, executor, tracer);
  if (!gpu) return tl::unexpected(std::move(gpu).error());
  auto machine = std::make_unique<MachineImpl>(std::move(*gpu), clock);
  FAKEGPU_TRY(machine->bind(std::move(options), clock, executor, tracer));
  return machine;
}

}  // namespace fakegpu::drv
