// SPDX-License-Identifier: MIT
// How the schedulers were when a recording began: whom and what they knew, and what they remembered
// (sched/memory.h). What of it a file tells is checked here as far as that can be done without a
// scheduler.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sched/memory.h"
#include "sim/record_file.h"

namespace fakegpu::sim {

using base::Nanos;

inline constexpr uint32_t kNone = UINT32_MAX;

struct BeginningRing {
  sched::AccountMemory totals;
  Nanos idle_since = 0;
};

struct BeginningEntity {
  bool gone = false;  // killed or no more; some job of it is still there
  sched::AccountMemory account;
  sched::Lift lift;
  uint64_t last_seqno = 0;  // of all its jobs so far
  bool woken = false;
  uint32_t blocked = kNone;  // its first queued job, if that waits for Backend::prepare_job()
};

// What the policy of a ring remembers.
struct BeginningMemory {
  uint32_t ring = 0;
  uint32_t entity = kNone;  // kNone: of itself
  std::string name;
  uint64_t index = 0;
  std::array<int64_t, 3> numbers = {};
};

struct Beginning {
  std::vector<BeginningRing> rings;
  // Script::entities and Script::jobs begin with them: as they came to their schedulers, and as
  // sched::SchedulerMemory has them, ring by ring. The jobs themselves are not there yet.
  std::vector<BeginningEntity> entities;
  std::vector<sched::JobMemory> jobs;
  std::vector<BeginningMemory> memory;
  // The jobs in an order in which they can be made: after what they wait for, and in that of their
  // entity.
  std::vector<uint32_t> making;
};

// Reads what is told of the beginning. Each of these takes one record and what it is about; empty,
// or what is wrong with it.
class BeginningReader {
 public:
  explicit BeginningReader(Beginning& to) : to_(to) {}

  void ring() { to_.rings.emplace_back(); }
  void entity(bool gone) { to_.entities.emplace_back().gone = gone; }
  std::string_view job(const Record& record, uint32_t entity);
  std::string_view totals(const Record& record);
  std::string_view account(const Record& record, uint32_t entity);
  std::string_view lift(const Record& record, uint32_t entity);
  std::string_view charge(const Record& record, uint32_t job);
  std::string_view started(const Record& record, uint32_t job);
  std::string_view ended(const Record& record, uint32_t job);
  std::string_view blocked(uint32_t entity, uint32_t job);
  std::string_view memory(const Record& record, uint32_t entity);

  // That was all. `waits`: pairs of jobs, the second of which the first waits for.
  std::string_view finish(std::span<const std::pair<uint32_t, uint32_t>> waits);

 private:
  BeginningEntity* find_entity(uint32_t entity);
  sched::JobMemory* find_job(uint32_t job);

  Beginning& to_;
  std::vector<uint32_t> entities_;  // of the jobs, by their places
  std::vector<uint64_t> seqnos_;
};

}  // namespace fakegpu::sim
