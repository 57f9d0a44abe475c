// SPDX-License-Identifier: MIT
// The recorded clients as such: what each of them did, in its order, and what it waited for before
// it went on. For a replay with other settings, where they go on when that has come.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/script.h"

namespace fakegpu::sim {

// A submission within so long after the client's newest completion may be an answer to it.
inline constexpr Nanos kAnswersWithin = base::kNanosPerMilli;

struct ClientStep {
  uint32_t event = 0;
  Nanos time = 0;          // recorded
  uint32_t after = kNone;  // the job whose end it follows
};

struct ScriptClient {
  uint64_t id = 0;
  std::vector<ClientStep> steps;
};

struct Clients {
  std::vector<ScriptClient> clients;
  std::vector<ClientStep> device;  // what no client did, at its time
};

// A submission follows the end of a job if that job is, of those of its client, the one that ended
// last before; ended no more than kAnswersWithin before; and either a wait for it was recorded
// before it ended, or the client had nothing else under way then (a wait that never comes to the
// driver, on the fence page, is not recorded).
Clients find_clients(const Script& script);

}  // namespace fakegpu::sim
