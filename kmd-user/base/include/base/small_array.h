// SPDX-License-Identifier: MIT
// An array of trivial items that gets its size once. Up to N of them lie in the object itself, so
// that the usual few cost no allocation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace fakegpu::base {

template <typename T, size_t N>
requires std::is_trivially_copyable_v<T>
class SmallArray {
 public:
  SmallArray() = default;
  SmallArray(SmallArray&& other) noexcept { take(other); }
  SmallArray& operator=(SmallArray&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }

  // So many items; what they are is undefined until they are written.
  void resize(size_t size) {
    more_.reset(size > N ? new T[size] : nullptr);
    size_ = size;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return more_ ? more_.get() : few_; }
  const T* data() const { return more_ ? more_.get() : few_; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  void take(SmallArray& other) {
    more_ = std::move(other.more_);
    size_ = std::exchange(other.size_, 0);
    if (!more_) std::copy_n(other.few_, size_, few_);
  }

  size_t size_ = 0;
  std::unique_ptr<T[]> more_;
  T few_[N];
};

}  // namespace fakegpu::base
