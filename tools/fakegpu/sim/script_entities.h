// SPDX-License-Identifier: MIT
// The entities of a script that is being made: who there is, and what each has in its queue.
#pragma once

#include <map>
#include <vector>

#include "sim/script_draft.h"

namespace fakegpu::sim {

class ScriptEntities {
 public:
  ScriptEntities(ScriptDraft& draft, BeginningReader& beginning)
      : draft_(draft), beginning_(beginning) {}

  // ENTITY.
  bool create(const Record& record);
  // GONE, PRIORITY, KILLED, URGED, UNBLOCKED.
  bool change(const Record& record);

  // That of the record's context and ring; kNone: unknown.
  uint32_t find(const Record& record) const;
  // A job comes, of a seqno that must be the next or later, unless the recording begins with it; a
  // job of it was given to its ring.
  bool queue(uint32_t entity, uint64_t seqno);
  void count_queued(uint32_t entity);
  void count_run(uint32_t entity);
  // Its head waits for what prepare_job() gave.
  bool block(uint32_t entity, uint32_t job);
  // The recording is over.
  void finish();

 private:
  struct State {
    uint64_t last_seqno = 0;
    uint32_t queued = 0;
    uint32_t blocked = kNone;  // the job
    bool killed = false;
  };

  bool kill(uint32_t entity);
  bool unblock(uint32_t entity);
  void urge(const Record& record, uint32_t entity);
  void stay_blocked(uint32_t entity);

  ScriptDraft& draft_;
  BeginningReader& beginning_;
  std::map<uint64_t, uint32_t> by_context_;  // those that are there
  std::vector<State> states_;
};

}  // namespace fakegpu::sim
