// SPDX-License-Identifier: MIT
// A [[client.queue]] of a scenario file.
#pragma once

#include <string>

#include "toml_reader.h"

namespace fakegpu::sim {

inline constexpr Nanos kLongest = 1'000'000 * base::kNanosPerSecond;
// Nothing comes back or arrives faster, or time would hardly move.
inline constexpr Nanos kShortest = base::kNanosPerMicro;

// All but whom it goes after, which takes all clients to know. `queues`: of the client, among which
// its kMaxWindow is divided. Throws ScenarioError.
QueueSpec read_queue(const toml::table& table, const std::string& file, size_t queues);

}  // namespace fakegpu::sim
