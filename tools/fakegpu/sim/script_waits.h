// SPDX-License-Identifier: MIT
// What the jobs of a script that is being made wait for. The dependencies of a job follow it, each
// container's leaves follow the container.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sim/script_draft.h"

namespace fakegpu::sim {

class ScriptWaits {
 public:
  explicit ScriptWaits(ScriptDraft& draft) : draft_(draft) {}

  // The job that is queued next has so many, and those of the one before are over / they are of a
  // job that nobody knows, and left out.
  void expect(uint64_t dependencies);
  void skip() { skip_ = true; }
  // Records were lost, and with them what was still to come.
  void lose();
  // Whether some must still come.
  bool awaits() const { return awaited_ > 0; }

  // DEPENDENCY and LEAF: of the job that was queued last.
  bool add(const Record& record);
  bool add_leaf(const Record& record);
  // SIGNALED.
  bool signal(const Record& record);
  // All jobs of the beginning are known: which of them wait for which, the first for the second.
  std::vector<std::pair<uint32_t, uint32_t>> end_beginning();
  // The recording is over.
  void finish() { forget(); }

 private:
  // A job of the beginning waits for one that may be told later.
  struct Unresolved {
    size_t wait;
    uint32_t job;
    FenceKey awaited;
  };

  bool belongs_to_last_job(const Record& record);
  bool fill(const Record& record, Wait& wait);
  void forget();

  ScriptDraft& draft_;
  std::map<FenceKey, uint32_t> fences_;
  uint64_t awaited_ = 0;  // dependencies and leaves
  uint64_t leaves_ = 0;
  uint32_t container_ = kNone;  // the fence, and the wait for it, whose leaves come
  size_t container_wait_ = 0;
  bool skip_ = false;
  std::vector<Unresolved> unresolved_;
};

}  // namespace fakegpu::sim
