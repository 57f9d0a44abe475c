// SPDX-License-Identifier: MIT
// One cell of the recovery matrix: which engine, which fault, which policy, what else is in flight,
// and which step of the ladder fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "programs.h"

namespace fakegpu::tests {

enum class Policy : uint8_t { kReemitInnocent, kKarma, kCancelAll, kAs612, kCount };
enum class Mix : uint8_t {
  kAlone,
  kInnocentsBehind,
  kInnocentsOfTheSameVm,
  kSameContextBehind,
  kOtherRingsBusy,
  kDependencyAcrossRings,
  kBeyondTheRing,
  kCount
};
// Which steps fail: this one and those before it.
enum class Failing : uint8_t {
  kNone,
  kSoftRecovery,
  kQueueReset,
  kEngineReset,
  kVramLoss,  // and a GPU reset loses VRAM
  kGpuReset,  // the chip does not come back
  kRingTest,  // only the test after the first reset
  kCount
};

struct Cell {
  unsigned ring;  // of the fault
  const FaultKind* fault;
  Policy policy;
  Mix mix;
  Failing failing;
};

std::string_view name(Policy policy);
// ENGINE/FAULT/POLICY/MIX/FAILING, as FAKEGPU_CELLS selects them.
std::string name(const Cell& cell);

// What the steps of the ladder must be in each recovery, in order; empty: there is none.
std::vector<std::vector<std::string>> expected_episodes(const Cell& cell);
// Whether the fault's context is to blame in the end.
bool expected_guilty(const Cell& cell);

}  // namespace fakegpu::tests
