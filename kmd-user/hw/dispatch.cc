// SPDX-License-Identifier: MIT
#include "dispatch.h"

#include "engine.h"
#include "packets/kernels.h"

namespace fakegpu::hw {
namespace {

namespace sh = packets::sh;

// Kernels have a fixed size of workgroup; 0 leaves it to them.
bool fits(uint32_t requested, uint32_t actual) {
  return requested == 0 || requested == actual;
}

}  // namespace

bool ShRegisters::write(uint32_t offset, uint32_t value) {
  for (size_t i = 0; i < kOffsets.size(); ++i) {
    if (kOffsets[i] != offset) continue;
    values_[i] = value;
    return true;
  }
  return false;
}

uint32_t ShRegisters::read(uint32_t offset) const {
  for (size_t i = 0; i < kOffsets.size(); ++i)
    if (kOffsets[i] == offset) return values_[i];
  return 0;
}

Outcome DispatchOperation::begin(const packets::pm4::DispatchDirect& packet,
                                 const ShRegisters& registers, VirtualMemory& memory) {
  const Outcome refused = Outcome::fault(reg::kFaultBadKernel);
  const uint32_t id = registers.read(sh::kComputePgmLo);
  kernel_ = find_kernel(id);
  const packets::kernels::Info* info = packets::kernels::find(id);
  if (!kernel_ || !info || registers.read(sh::kComputePgmHi) != 0) return refused;
  if (!fits(registers.read(sh::kComputeNumThreadX), info->threads_x) ||
      !fits(registers.read(sh::kComputeNumThreadY), info->threads_y) ||
      !fits(registers.read(sh::kComputeNumThreadZ), 1))
    return refused;

  const uint64_t address = registers.read(sh::kComputeUserData0) |
                           static_cast<uint64_t>(registers.read(sh::kComputeUserData1)) << 32;
  if (address % 8 != 0 || kernel_->argument_bytes() > kMaxArguments) return refused;
  if (!memory.read(address, std::span(arguments_).first(kernel_->argument_bytes())))
    return Outcome::vm_fault();
  grid_ = {packet.x, packet.y, packet.z};
  if (kernel_->check(arguments(), grid_) != KernelResult::kOk) return refused;
  group_ = {};
  index_ = 0;
  groups_ = packet.groups();
  return groups_ ? Outcome::more() : Outcome::done();
}

Outcome DispatchOperation::advance(Engine& engine) {
  switch (kernel_->run(arguments(), group_, engine.memory())) {
    case KernelResult::kOk:
      break;
    case KernelResult::kBadArguments:
      return Outcome::fault(reg::kFaultBadKernel);
    case KernelResult::kFault:
      return Outcome::vm_fault();
  }
  engine.charge(engine.cost().workgroup * kernel_->weight());
  ++index_;
  if (++group_.x == grid_.x) {
    group_.x = 0;
    if (++group_.y == grid_.y) {
      group_.y = 0;
      ++group_.z;
    }
  }
  return index_ == groups_ ? Outcome::done() : Outcome::more();
}

}  // namespace fakegpu::hw
