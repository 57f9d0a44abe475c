// SPDX-License-Identifier: MIT
// The rings of a script that is being made, and how the jobs that they were given went.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "sim/script_draft.h"

namespace fakegpu::sim {

class ScriptRings {
 public:
  ScriptRings(ScriptDraft& draft, BeginningReader& beginning)
      : draft_(draft), beginning_(beginning) {}

  // RING and POLICY.
  bool add(const Record& record);
  bool set_policy(const Record& record);
  // RUN, DONE and FAILED, of a job of the record's ring.
  bool run(const Record& record, uint32_t job);
  bool done(const Record& record, uint32_t job);
  bool fail(const Record& record, uint32_t job);
  // STOPPED and RESTARTED.
  bool stop(uint32_t ring);
  bool restart(uint32_t ring);
  // The recording is over: says how long jobs took whose end nobody saw.
  void finish();

 private:
  struct State {
    std::deque<uint32_t> flight;  // jobs that it was given, oldest first
    Nanos noticed = 0;            // the end of the one before
    uint32_t restarts = 0;
    uint32_t restarted_in = kNone;  // section
    bool stopped = false;
  };

  bool in_flight(uint32_t ring, uint32_t job) const;
  void end(uint32_t ring, uint32_t job);

  ScriptDraft& draft_;
  BeginningReader& beginning_;
  std::vector<State> states_;
  std::map<uint32_t, Nanos> earlier_;  // when jobs were started that a restart started again
};

}  // namespace fakegpu::sim
