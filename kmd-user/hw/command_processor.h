// SPDX-License-Identifier: MIT
// The engine of a gfx or compute ring: executes PM4. Everything is done in order here, so the
// packets' engine selects, cache actions and confirm bits ask for nothing more.
//
// What an IB under a VMID other than 0 may not do (kFaultBadPacket): touch registers, but for
// reading the timestamp, or name another VMID. Interrupts that it asks for are masked
// (Engine::raise).
#pragma once

#include "dispatch.h"
#include "engine.h"
#include "packets/pm4.h"
#include "transfer.h"
#include "wait.h"

namespace fakegpu::hw {

class CommandProcessor final : public Engine {
 public:
  CommandProcessor(const Chip& chip, unsigned ring) : Engine(chip, ring, measure) {}

 protected:
  Outcome execute(packets::Packet packet) override;
  bool steers(packets::Packet packet) const override;
  void queue_reset() override { sh_registers_.reset(); }

 private:
  static PacketStream::Length measure(packets::Packet start);

  template <typename T>
  Outcome parse_and_run(packets::Packet packet) {
    const std::optional<T> parsed = T::parse(packet);
    return parsed ? run(*parsed) : Outcome::fault(reg::kFaultBadPacket);
  }
  Outcome execute_edu(packets::Packet packet);

  Outcome run(const packets::pm4::WriteData& packet);
  Outcome run(const packets::pm4::CopyData& packet);
  Outcome run(const packets::pm4::DmaData& packet);
  Outcome run(const packets::pm4::AtomicMem& packet);

  Outcome run(const packets::pm4::WaitRegMem& packet);
  Outcome run(const packets::pm4::CondExec& packet);
  Outcome run(const packets::pm4::IndirectBuffer& packet);
  Outcome run(const packets::pm4::SetShReg& packet);
  Outcome run(const packets::pm4::DispatchDirect& packet);
  Outcome run(const packets::pm4::EventWrite& packet);
  Outcome run(const packets::pm4::ReleaseMem& packet);

  Outcome run(const packets::pm4::Work& packet);
  Outcome run(const packets::pm4::Hang& packet);
  Outcome run(const packets::pm4::Fault& packet);
  Outcome run(const packets::pm4::Mark& packet);
  Outcome run(const packets::pm4::Hash& packet);

  bool may_read(uint64_t reg) const;
  Outcome store(packets::pm4::Destination destination, uint64_t address, uint64_t value, bool wide);

  ShRegisters sh_registers_;
  WorkOperation work_;
  HangOperation hang_;
  PollOperation poll_;
  SwapLoop swap_loop_;
  CopyOperation copy_;
  FillOperation fill_;
  HashOperation hash_;
  DispatchOperation dispatch_;
};

}  // namespace fakegpu::hw
