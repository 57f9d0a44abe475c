// SPDX-License-Identifier: MIT
// The interleaving tests with systems of any size, for as long as one likes:
//   explore-sched [JOBS [DISTURBANCES [MAX_STATES]]]
// explores every policy and shape with so many jobs for each of the two entities (3), so many
// disturbances in one run (2), giving each system up at so many states (none: never).
#include <charconv>
#include <cstring>

#include "explorations.h"

namespace fakegpu::sched {
namespace {

bool parse(const char* text, uint64_t& value) {
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, value);
  return error == std::errc() && rest == end && value > 0;
}

int run(int argc, char** argv) {
  uint64_t numbers[] = {3, 2, UINT64_MAX};
  for (int i = 1; i < argc; ++i) {
    if (i > 3 || !parse(argv[i], numbers[i - 1])) {
      fmt::print(stderr, "usage: {} [JOBS [DISTURBANCES [MAX_STATES]]]\n", argv[0]);
      return 2;
    }
  }
  for (const std::string_view policy : policy_names()) {
    for (const SmallConfig& config : all_shapes({.jobs = numbers[0],
                                     .policy = policy,
                                     .disturbances = static_cast<unsigned>(numbers[1])})) {
      const Exploration found = explore(config, {.max_states = numbers[2]});
      fmt::print("{}: {}\n", to_string(config), to_string(found));
      std::fflush(stdout);
      if (!found.broken.empty()) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace fakegpu::sched

int main(int argc, char** argv) {
  return fakegpu::sched::run(argc, argv);
}
