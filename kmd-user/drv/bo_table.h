// SPDX-License-Identifier: MIT
// The GEM handles of one open file. A BO has one handle in each file that knows it, however it came
// there: the first is found again (the kernel's drm_prime_file_private). Under the device lock.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/handle_table.h"
#include "mm/bo.h"

namespace fakegpu::drv {

class BoTable {
 public:
  BoTable() = default;
  BoTable(const BoTable&) = delete;
  BoTable& operator=(const BoTable&) = delete;
  ~BoTable() { clear(); }

  // Of a BO that has none here.
  uint32_t insert(mm::BoRef bo);
  mm::BoRef find(uint32_t handle) const { return table_.find(handle); }
  // Of a shareable BO; 0: it has none here.
  uint32_t handle_of(const mm::Bo& bo) const;
  mm::BoRef remove(uint32_t handle);
  void clear();
  uint32_t size() const { return table_.size(); }
  template <typename F>
  void for_each(F&& visit) const {
    table_.for_each([&visit](uint32_t, const mm::BoRef& bo) { visit(*bo); });
  }

 private:
  base::HandleTable<mm::BoRef> table_;
  std::unordered_map<const mm::Bo*, uint32_t> shareable_;  // no other can come a second time
};

}  // namespace fakegpu::drv
