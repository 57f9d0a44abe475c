// SPDX-License-Identifier: MIT
#include "cell.h"

#include <utility>

#include <fmt/format.h>

#include "party.h"

namespace fakegpu::tests {

namespace {

constexpr std::string_view kPolicies[] = {"reemit-innocent", "karma", "cancel-all", "as-6.12"};
constexpr std::string_view kMixes[] = {"alone",        "innocents-behind", "same-vm",
                                       "same-context", "other-rings",      "dependency",
                                       "beyond-ring"};
constexpr std::string_view kFailings[] = {
    "none", "soft-recovery", "queue-reset", "engine-reset", "vram-loss", "gpu-reset", "ring-test"};
constexpr std::string_view kSteps[] = {"soft recovery", "queue reset", "engine reset", "GPU reset"};

// The steps from 1 (soft recovery) to 4 that fail by injection.
unsigned failing_steps(Failing failing) {
  switch (failing) {
    case Failing::kNone:
    case Failing::kRingTest:
      return 0;
    case Failing::kVramLoss:
      return 3;
    case Failing::kGpuReset:
      return 4;
    default:
      return static_cast<unsigned>(failing);
  }
}

std::vector<std::string> ladder(const Cell& cell, bool ring_test_fails) {
  std::vector<std::string> steps;
  unsigned step = cell.fault->hangs ? 1 : 2;
  for (;; ++step) {
    steps.emplace_back(kSteps[step - 1]);
    // A chip that does not come back is given up.
    if (step == 4 && failing_steps(cell.failing) == 4) break;
    if (step < cell.fault->ended_by || step <= failing_steps(cell.failing)) continue;
    if (step == 1 || !std::exchange(ring_test_fails, false)) break;
    if (step == 4) --step;  // tried once more
  }
  return steps;
}

}  // namespace

std::string_view name(Policy policy) {
  return kPolicies[static_cast<size_t>(policy)];
}

std::string name(const Cell& cell) {
  const std::string_view engine = is_sdma(cell.ring)      ? "sdma"
                                  : cell.ring == kGfxRing ? "gfx"
                                                          : "compute";
  return fmt::format("{}/{}/{}/{}/{}", engine, cell.fault->name, name(cell.policy),
                     kMixes[static_cast<size_t>(cell.mix)],
                     kFailings[static_cast<size_t>(cell.failing)]);
}

std::vector<std::vector<std::string>> expected_episodes(const Cell& cell) {
  if (cell.fault->ended_by == 0) return {};
  std::vector<std::vector<std::string>> episodes = {
      ladder(cell, cell.failing == Failing::kRingTest)};
  // With karma a culprit gets another chance, which one that hung only once takes.
  const bool again = cell.policy == Policy::kKarma && cell.fault->origin == Origin::kPackets &&
                     episodes[0].back() != kSteps[0] && cell.failing != Failing::kGpuReset &&
                     !(cell.failing == Failing::kVramLoss && episodes[0].back() == kSteps[3]);
  if (again) episodes.push_back(ladder(cell, false));
  return episodes;
}

bool expected_guilty(const Cell& cell) {
  const auto episodes = expected_episodes(cell);
  if (episodes.empty()) return false;
  const std::string& last = episodes.back().back();
  if (cell.failing == Failing::kGpuReset && last == kSteps[3]) return true;
  if (cell.policy == Policy::kAs612) return last == kSteps[3];
  if (cell.policy == Policy::kKarma && last != kSteps[0])
    return episodes.size() > 1 || (cell.failing == Failing::kVramLoss && last == kSteps[3]);
  return true;
}

}  // namespace fakegpu::tests
