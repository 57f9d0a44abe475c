// SPDX-License-Identifier: MIT
// Random recoveries until so many faults were met:
//   soak-recovery [FAULTS [SEED]]
// runs rounds with the seeds SEED (1), SEED + 1, ... until FAULTS (20000) are reached, and ends
// with 1 at the first round in which something is wrong. `soak-recovery 1 SEED` repeats one round.
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/log.h"
#include "campaign.h"

namespace fakegpu::tests {
namespace {

bool parse(const char* text, uint64_t& value) {
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, value);
  return error == std::errc() && rest == end && value > 0;
}

constexpr uint64_t kReport = 250;  // rounds

struct Totals {
  uint64_t rounds = 0, faults = 0, jobs = 0, episodes = 0, wedged = 0;
};

int run(int argc, char** argv) {
  uint64_t wanted = 20000;
  uint64_t seed = 1;
  if (argc > 3 || (argc > 1 && !parse(argv[1], wanted)) || (argc > 2 && !parse(argv[2], seed))) {
    fmt::print(stderr, "usage: {} [FAULTS [SEED]]\n", argv[0]);
    return 2;
  }
  std::string late_errors;
  base::set_log_sink([&late_errors](base::LogLevel, std::string_view line) {
    // The final error must be there before anybody is woken.
    if (line.find("comes after its signal") != line.npos) late_errors += fmt::format("{}\n", line);
  });
  Totals totals;
  for (; totals.faults < wanted; ++seed, ++totals.rounds) {
    // So that a crash tells about where to begin.
    if (totals.rounds % kReport == 0) {
      fmt::print("{} faults, seed {} ...\n", totals.faults, seed);
      std::fflush(stdout);
    }
    Campaign campaign(seed);
    const std::string broken = campaign.run() + late_errors;
    if (!broken.empty() || testing::UnitTest::GetInstance()->Failed()) {
      fmt::print("{}repeat it with: {} 1 {}\n", broken, argv[0], seed);
      return 1;
    }
    totals.faults += campaign.faults();
    totals.jobs += campaign.jobs();
    totals.episodes += campaign.episodes();
    totals.wedged += campaign.wedged();
  }
  fmt::print("{} rounds, {} jobs, {} faults, {} recoveries, {} devices wedged\n", totals.rounds,
             totals.jobs, totals.faults, totals.episodes, totals.wedged);
  return 0;
}

}  // namespace
}  // namespace fakegpu::tests

int main(int argc, char** argv) {
  return fakegpu::tests::run(argc, argv);
}
