// SPDX-License-Identifier: MIT
// An open file whose jobs are watched.
#pragma once

#include <deque>
#include <vector>

#include "programs.h"
#include "support/virtual_machine.h"
#include "watch.h"

namespace fakegpu::tests {

// Rings of small_machine(): one gfx, two compute, two SDMA.
inline constexpr unsigned kRings = 5;
inline constexpr unsigned kFirstSdma = 3;
inline constexpr unsigned kGfxRing = 0;
inline constexpr unsigned kComputeRing = 1;
inline bool is_sdma(unsigned ring) {
  return ring >= kFirstSdma;
}
// The ring's name in traces.
std::string_view ring_name(unsigned ring);
hw::Profile recovery_profile();

class Party {
 public:
  static constexpr unsigned kJobs = 256;  // until clear()

  Party(VirtualMachine& machine, Watch& watch);

  struct Request {
    uint32_t context;
    unsigned ring;
    const FaultKind* fault = nullptr;  // of its own packets; null: a good one
    // It waits for these; of the first, a good job of the same party, it reads the result.
    std::vector<drm_fakegpu_sync> in = {};
    const Tracked* reads = nullptr;
    uint32_t out = 0;  // a syncobj
    uint64_t owner = 0;
    bool long_pauses = false;
  };
  // nullptr: refused, with errno in `refusal`.
  Tracked* submit(const Request& request, int* refusal = nullptr);
  // Takes the events that have come.
  void read_events();
  bool full() const { return jobs_.size() >= kJobs; }
  const std::deque<Tracked>& jobs() const { return jobs_; }
  // All jobs have finished and are forgotten.
  void clear() { jobs_.clear(); }

  uint32_t new_context() { return client_.context(); }
  // Its client dies. The jobs stay to be looked at.
  void close();
  bool closed() const { return closed_; }
  void end_context(uint32_t context);
  uint32_t flags(uint32_t context);
  void end_syncobj(uint32_t handle);
  Client& client() { return client_; }

 private:
  static constexpr unsigned kIbDwords = 128;
  Place place(unsigned slot);
  drm_fakegpu_ib write_ib(unsigned slot, packets::Words words, bool sdma);

  Watch& watch_;
  Client client_;
  Client::Buffer memory_;
  Client::Buffer ibs_;
  uint64_t read_only_va_;
  bool closed_ = false;
  std::deque<Tracked> jobs_;
};

}  // namespace fakegpu::tests
