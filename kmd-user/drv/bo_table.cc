// SPDX-License-Identifier: MIT
#include "bo_table.h"

#include <utility>

namespace fakegpu::drv {

uint32_t BoTable::insert(mm::BoRef bo) {
  bo->add_user();
  const mm::Bo* const key = bo.get();
  const uint32_t handle = table_.insert(std::move(bo));
  if (key->shareable()) shareable_.emplace(key, handle);
  return handle;
}

uint32_t BoTable::handle_of(const mm::Bo& bo) const {
  const auto found = shareable_.find(&bo);
  return found != shareable_.end() ? found->second : 0;
}

mm::BoRef BoTable::remove(uint32_t handle) {
  mm::BoRef bo = table_.remove(handle);
  if (!bo) return bo;
  shareable_.erase(bo.get());
  bo->remove_user();
  return bo;
}

void BoTable::clear() {
  for_each([](mm::Bo& bo) { bo.remove_user(); });
  shareable_.clear();
  table_ = {};
}

}  // namespace fakegpu::drv
