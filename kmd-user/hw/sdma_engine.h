// SPDX-License-Identifier: MIT
// The engine of an SDMA ring. IBs do not nest here. What an IB under a VMID other than 0 may not do
// (kFaultBadPacket): write registers, or poll others than the timestamp. Its traps are masked
// (Engine::raise).
#pragma once

#include "engine.h"
#include "packets/sdma.h"
#include "transfer.h"
#include "wait.h"
#include "work.h"

namespace fakegpu::hw {

class SdmaEngine final : public Engine {
 public:
  SdmaEngine(const Chip& chip, unsigned ring) : Engine(chip, ring, measure) {}

 protected:
  Outcome execute(packets::Packet packet) override;
  bool steers(packets::Packet packet) const override;

 private:
  static PacketStream::Length measure(packets::Packet start);

  template <typename T>
  Outcome parse_and_run(packets::Packet packet) {
    const std::optional<T> parsed = T::parse(packet);
    return parsed ? run(*parsed) : Outcome::fault(reg::kFaultBadPacket);
  }
  Outcome run(const packets::sdma::Nop&) { return Outcome::done(); }
  Outcome run(const packets::sdma::CopyLinear& packet);
  Outcome run(const packets::sdma::WriteLinear& packet);
  Outcome run(const packets::sdma::Indirect& packet);
  Outcome run(const packets::sdma::Fence& packet);
  Outcome run(const packets::sdma::Trap& packet);
  Outcome run(const packets::sdma::PollRegMem& packet);
  Outcome run(const packets::sdma::CondExec& packet);
  Outcome run(const packets::sdma::AtomicMem& packet);
  Outcome run(const packets::sdma::ConstFill& packet);
  Outcome run(const packets::sdma::Timestamp& packet);
  Outcome run(const packets::sdma::SrbmWrite& packet);
  Outcome run(const packets::sdma::Work& packet);

  PollOperation poll_;
  SwapLoop swap_loop_;
  CopyOperation copy_;
  FillOperation fill_;
  WorkOperation work_;
};

}  // namespace fakegpu::hw
