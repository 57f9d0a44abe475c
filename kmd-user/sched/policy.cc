// SPDX-License-Identifier: MIT
#include "sched/policy.h"

#include <fmt/ranges.h>

#include <array>

#include "policies.h"

namespace fakegpu::sched {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<Policy> (*make)();
};

constexpr Row kPolicies[] = {
    {"prepaid", make_prepaid}, {"fair", make_fair}, {"fifo", make_fifo},
    {"rr", make_rr},           {"edf", make_edf},
};

constexpr auto kNames = [] {
  std::array<std::string_view, std::size(kPolicies)> names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = kPolicies[i].name;
  return names;
}();

}  // namespace

base::Result<std::unique_ptr<Policy>> make_policy(std::string_view name) {
  for (const Row& row : kPolicies) {
    if (row.name == name) return row.make();
  }
  return base::fail(EINVAL, "no scheduling policy \"{}\"; there are {}", name,
                    fmt::join(kNames, ", "));
}

std::span<const std::string_view> policy_names() {
  return kNames;
}

}  // namespace fakegpu::sched
