// SPDX-License-Identifier: MIT
// A recording, made ready to be played: whose jobs there were, what they waited for, how long they
// took, and what was done to the schedulers at what time.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "fence/urgency.h"
#include "sched/lift.h"
#include "sim/beginning.h"
#include "sim/record_file.h"

namespace fakegpu::sim {

struct ScriptRing {
  uint32_t type = 0;
  uint32_t credits = 1;
  Nanos depth = 0;
  std::string policy;
};

struct ScriptEntity {
  uint32_t ring = 0;
  sched::Priority priority = sched::Priority::kNormal;
  uint64_t client = 0;
};

// What a job waits for. A container has its leaves next to each other in Script::waits.
struct Wait {
  enum class Kind : uint8_t { kFinished, kScheduled, kForeign, kArray, kChain };
  Kind kind = Kind::kForeign;
  bool node_start = false;  // of a leaf
  uint32_t job = kNone;     // of kFinished, kScheduled; kNone: from before the recording
  uint32_t fence = kNone;   // of the rest, in Script::fences
  uint32_t first_leaf = 0;
  uint32_t leaves = 0;
};

// A fence that is no job's, or a container. Who waits for it is told by "signaled".
struct ScriptFence {
  bool signaled = false;         // in the recording
  std::vector<uint32_t> leaves;  // foreign ones that it is made of
};

struct ScriptJob {
  uint32_t entity = 0;
  uint64_t seqno = 0;
  uint32_t credits = 1;
  uint32_t first_wait = 0;
  uint32_t waits = 0;
  bool ran = false;
  bool measured = false;  // its end was seen: `occupancy` counts
  int outcome = 0;        // sched::Observer::run()
  Nanos pushed = 0;
  Nanos started = 0;    // the section in which it was (last) given to the ring
  Nanos noticed = 0;    // that in which its end was
  Nanos occupancy = 0;  // of the ring: from its start or the end of the one before, to `noticed`
  Nanos lag = 0;        // from its end by the hardware to `noticed`
  int error = 0;        // what its hardware fence, or a recovery, said
  uint32_t failed_restart = kNone;  // by which of the ring's restarts
  std::vector<uint32_t> unblocks;   // sections
};

struct ScriptEvent {
  enum class Kind : uint8_t {
    kCreate,
    kDestroy,
    kQueue,
    kUrge,
    kPriority,
    kKill,
    kPolicy,
    kDone,
    kSignal,
    kUnblock,
    kStop,
    kRestart,
  };
  Kind kind;
  uint32_t index = 0;   // entity, job, fence or ring; kUrge: of `urges`; kPolicy: of `policies`
  uint32_t detail = 0;  // kPriority: it; kKill: how many jobs it refused; kRestart: which, by ring
};

struct ScriptUrge {
  uint32_t entity = 0;
  uint64_t seqno = 0;
  fence::Urgency urgency;
};

// What was done under one hold of the lock.
struct ScriptSection {
  Nanos time = 0;
  uint32_t first = 0;  // in Script::events
  uint32_t count = 0;
};

// One job that a ring was given, as it was recorded.
struct RecordedRun {
  uint32_t job;
  Nanos time;
};

struct Script {
  std::vector<ScriptRing> rings;
  std::vector<ScriptEntity> entities;
  std::vector<ScriptJob> jobs;
  std::vector<Wait> waits;
  std::vector<ScriptFence> fences;
  std::vector<ScriptUrge> urges;
  std::vector<std::pair<uint32_t, std::string>> policies;  // ring and name
  Beginning beginning;
  std::vector<ScriptEvent> events;
  std::vector<ScriptSection> sections;
  // Foreign fences that signalled before anybody asked: when, and which. By time.
  std::vector<std::pair<Nanos, uint32_t>> early;
  std::vector<std::vector<RecordedRun>> runs;  // by ring
  uint64_t lost = 0;
  bool fresh = true;  // no ring had done anything before

  // Refuses what no driver can have told, and says in which line of the file: -EINVAL. With records
  // lost, what is about jobs or entities that nobody knows is left out instead.
  static base::Result<Script> compile(std::span<const Record> records);
};

}  // namespace fakegpu::sim
