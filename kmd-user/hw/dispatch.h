// SPDX-License-Identifier: MIT
// A dispatch: one kernel over a grid of workgroups, one group in each go, resumable by its index.
// And the queue's SH registers that describe it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel.h"
#include "operation.h"
#include "packets/pm4.h"
#include "packets/registers.h"

namespace fakegpu::hw {

// Only what packets/registers.h names exists.
class ShRegisters {
 public:
  // False: no such register.
  bool write(uint32_t offset, uint32_t value);
  uint32_t read(uint32_t offset) const;
  void reset() { values_ = {}; }

 private:
  static constexpr std::array<uint16_t, 7> kOffsets = {
      packets::sh::kComputeNumThreadX, packets::sh::kComputeNumThreadY,
      packets::sh::kComputeNumThreadZ, packets::sh::kComputePgmLo,
      packets::sh::kComputePgmHi,      packets::sh::kComputeUserData0,
      packets::sh::kComputeUserData1};

  std::array<uint32_t, kOffsets.size()> values_{};
};

class DispatchOperation final : public Operation {
 public:
  // Finds the kernel, copies its arguments and checks them. kMore: it can be advanced. kDone: no
  // groups.
  Outcome begin(const packets::pm4::DispatchDirect& packet, const ShRegisters& registers,
                VirtualMemory& memory);

  Outcome advance(Engine& engine) override;
  bool killable() const override { return true; }
  uint32_t progress() const override { return static_cast<uint32_t>(index_); }

 private:
  static constexpr size_t kMaxArguments = 256;

  std::span<const std::byte> arguments() const {
    return std::span(arguments_).first(kernel_->argument_bytes());
  }

  const Kernel* kernel_ = nullptr;
  Grid grid_{};
  uint64_t groups_ = 0;
  uint64_t index_ = 0;  // groups that are done
  Grid group_{};        // the next one; x counts fastest
  alignas(8) std::array<std::byte, kMaxArguments> arguments_;
};

}  // namespace fakegpu::hw
