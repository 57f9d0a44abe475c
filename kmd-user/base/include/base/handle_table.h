// SPDX-License-Identifier: MIT
// Handles as DRM gives them out: the lowest free integer from 1 (the kernel's idr).
#pragma once

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace fakegpu::base {

template <typename T>
class HandleTable {
 public:
  // Never 0. Amortised O(log n).
  uint32_t insert(T value) {
    ++live_;
    if (!free_.empty()) {
      uint32_t handle = free_.top();
      free_.pop();
      slots_[handle - 1] = std::move(value);
      return handle;
    }
    slots_.push_back(std::move(value));
    return static_cast<uint32_t>(slots_.size());
  }

  // A default-constructed T (null) when there is no such handle.
  T find(uint32_t handle) const {
    return handle != 0 && handle <= slots_.size() ? slots_[handle - 1] : T();
  }

  // The value in its place, valid until the table changes; nullptr when there is none.
  const T* look(uint32_t handle) const {
    if (handle == 0 || handle > slots_.size() || !slots_[handle - 1]) return nullptr;
    return &slots_[handle - 1];
  }

  // Takes the value out and frees the handle; null when there is none.
  T remove(uint32_t handle) {
    if (handle == 0 || handle > slots_.size() || !slots_[handle - 1]) return T();
    --live_;
    free_.push(handle);
    return std::exchange(slots_[handle - 1], T());
  }

  uint32_t size() const { return live_; }

  template <typename F>
  void for_each(F&& visit) const {
    for (uint32_t i = 0; i < slots_.size(); ++i)
      if (slots_[i]) visit(i + 1, slots_[i]);
  }

 private:
  std::vector<T> slots_;
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> free_;
  uint32_t live_ = 0;
};

}  // namespace fakegpu::base
