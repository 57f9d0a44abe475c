// SPDX-License-Identifier: MIT
#include "bo_uses.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace fakegpu::drv {

namespace {

using Usage = fence::Resv::Usage;

bool valid(uint32_t flags) {
  constexpr uint32_t kImplicit = DRM_FAKEGPU_BO_USE_READ | DRM_FAKEGPU_BO_USE_WRITE;
  return flags == DRM_FAKEGPU_BO_USE_EXPLICIT || (flags != 0 && (flags & ~kImplicit) == 0);
}

Usage usage_of(uint32_t flags) {
  if (flags & DRM_FAKEGPU_BO_USE_EXPLICIT) return Usage::kBookkeep;
  return flags & DRM_FAKEGPU_BO_USE_WRITE ? Usage::kWrite : Usage::kRead;
}

}  // namespace

int BoUses::look_up(const BoTable& bos, std::vector<drm_fakegpu_bo_use>& uses) {
  // A BO has one handle in a file: the same BO is the same handle.
  std::ranges::sort(uses, {}, &drm_fakegpu_bo_use::handle);
  if (std::ranges::adjacent_find(uses, {}, &drm_fakegpu_bo_use::handle) != uses.end())
    return -EINVAL;
  uses_.reserve(uses.size());
  for (const drm_fakegpu_bo_use& use : uses) {
    if (!valid(use.flags)) return -EINVAL;
    mm::BoRef bo = bos.find(use.handle);
    if (!bo) return -ENOENT;
    uses_.push_back({std::move(bo), usage_of(use.flags)});
  }
  return 0;
}

void BoUses::depend(std::vector<fence::FenceRef>& dependencies) const {
  for (const Use& use : uses_) {
    if (use.usage == Usage::kBookkeep) continue;
    const Usage others = fence::Resv::usage_rw(use.usage == Usage::kWrite);
    for (fence::Resv::Entry& entry : use.bo->resv().pending(others))
      dependencies.push_back(std::move(entry.fence));
  }
}

void BoUses::reserve() const {
  for (const Use& use : uses_) use.bo->resv().reserve(1);
}

void BoUses::publish(const fence::FenceRef& finished) const {
  for (const Use& use : uses_) use.bo->resv().add(finished, use.usage);
}

}  // namespace fakegpu::drv
