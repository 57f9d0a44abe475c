// SPDX-License-Identifier: MIT
// An array that a call carries: mostly of few elements, and then without an allocation.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace fakegpu::ioctl {

template <typename T, size_t kFew = 4>
class SmallArray {
  static_assert(std::is_trivial_v<T>);

 public:
  // `count` elements, all zero.
  explicit SmallArray(size_t count) : count_(count) {
    if (count > kFew) many_ = std::make_unique<T[]>(count);
  }

  T* data() { return many_ ? many_.get() : few_.data(); }
  const T* data() const { return many_ ? many_.get() : few_.data(); }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(data(), count_)); }

 private:
  size_t count_;
  std::array<T, kFew> few_{};
  std::unique_ptr<T[]> many_;
};

}  // namespace fakegpu::ioctl
