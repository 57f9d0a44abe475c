// SPDX-License-Identifier: MIT
// The policies of the rings, chosen while they work. A kernel takes its scheduler's policy when the
// module is loaded (drm_sched_policy).
#include <cstring>

#include "handlers.h"

namespace fakegpu::drv {

namespace {

Outcome set_policy(Call& call) {
  const auto& arg = call.as<drm_fakegpu_set_policy>();
  if (!is_owner(call)) return -EACCES;
  const auto& rings = call.file.device().rings();
  const bool all = arg.ring == DRM_FAKEGPU_ALL_RINGS;
  if (!all && arg.ring >= rings.size()) return -EINVAL;
  // All of them before the first ring changes.
  std::vector<std::unique_ptr<sched::Policy>> policies;
  for (size_t i = 0; i < (all ? rings.size() : 1); ++i) {
    auto policy = sched::make_policy(arg.name);
    if (!policy) return policy.error().negated();
    policies.push_back(std::move(*policy));
  }
  for (size_t i = 0; i < policies.size(); ++i)
    rings[all ? i : arg.ring]->scheduler().set_policy(std::move(policies[i]));
  return 0;
}
int check_set_policy(std::span<const std::byte> arg) {
  const auto& policy = view<drm_fakegpu_set_policy>(arg);
  const bool terminated = std::memchr(policy.name, 0, sizeof(policy.name)) != nullptr;
  return terminated && policy.pad == 0 ? 0 : -EINVAL;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_SET_POLICY), locked<set_policy>, check_set_policy},
};

}  // namespace

std::span<const HandlerRow> policy_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
