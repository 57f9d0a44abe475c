// SPDX-License-Identifier: MIT
// A driver whose answers a test decides, behind the driver's public interface.
#pragma once

#include <fakegpu_drm.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/virtual_executor.h"
#include "drv/machine.h"

namespace fakegpu::cuse_dev {

// What the files of a FakeMachine do. Set before requests come, called in the loop's thread.
struct Behaviour {
  std::function<std::optional<int>(const drv::Request&, ioctl::UserMemory&, drv::Reply)> ioctl;
  std::function<ioctl::Plan(uint32_t, std::span<const std::byte>)> plan;  // default: the table's
  std::function<std::optional<int>(uint64_t, std::span<std::byte>, bool, drv::ReadReply)> read;
  std::function<short(base::UniqueFunction<void()>)> poll;
  std::function<bool(uint64_t)> interrupt;
  int open_error = 0;
};

class FakeMachine final : public drv::Machine {
 public:
  explicit FakeMachine(Behaviour& behaviour) : behaviour_(behaviour) {}

  base::Result<std::unique_ptr<drv::File>> open(const drv::Caller& opener, bool render,
                                                drv::File* memory_of) override;
  base::Result<std::unique_ptr<drv::File>> open_sw_sync(std::string_view name) override;
  drv::File* redeem(const uint64_t*, uint32_t) override { return nullptr; }
  void shutdown() override {}
  drv::Faults& faults() override { return faults_; }
  Census census() override { return {}; }

  // In the loop's thread, or after it.
  int opened = 0;
  int closed = 0;
  drv::Caller opener;
  bool render = false;
  std::string sw_sync_name;

 private:
  Behaviour& behaviour_;
  base::VirtualExecutor clock_{1};
  hw::FaultInjector chip_faults_{clock_};
  drv::Faults faults_{chip_faults_, clock_};
};

}  // namespace fakegpu::cuse_dev
