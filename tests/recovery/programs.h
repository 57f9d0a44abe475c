// SPDX-License-Identifier: MIT
// What jobs do in tests of recovery: good ones write their memory in several ways, with pauses;
// bad ones begin like that and then show one of the faults.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fault_injector.h"
#include "packets/stream.h"
#include "watch.h"

namespace fakegpu::tests {

// A job's place in memory. Its kDwords, then what others may read of it, then a word that stays 0.
struct Place {
  static constexpr unsigned kDwords = 64;
  uint64_t va;
  uint64_t read_only_va;
  uint32_t* bytes;

  uint64_t handed_over() const { return va + 4 * Tracked::kHandedOver; }
  uint64_t zero() const { return va + 4 * 40; }
};

// What whole runs leave there: `tag` and the next ones, in [3] what it reads, in [4] to [6] tag +
// 4, and [7] counts them. `long_pauses`: it takes milliseconds, else a tenth of one.
packets::Words good_program(bool sdma, const Place& place, uint32_t tag, uint64_t reads,
                            bool long_pauses);

// How a fault comes about.
enum class Origin : uint8_t {
  kPackets,   // the job's own: it happens each time
  kInjected,  // at one of the job's packets, once
  kDevice,    // at the job's doorbell or interrupt, once
};
struct FaultKind {
  std::string_view name;
  Origin origin;
  bool on_sdma;
  // The lowest step that ends it: 0 none is needed, 1 soft recovery to 4 GPU reset.
  unsigned ended_by;
  // By a timeout, hence from soft recovery on; else the queue stops by itself.
  bool hangs;
};
std::span<const FaultKind> fault_kinds();
const FaultKind& fault_kind(std::string_view name);  // one of them

// Of kPackets.
packets::Words bad_program(const FaultKind& fault, bool sdma, const Place& place, uint32_t tag);
// Of the others: to be injected on `ring`.
base::FaultSpec injection(const FaultKind& fault, unsigned ring);

}  // namespace fakegpu::tests
