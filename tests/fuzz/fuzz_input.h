// SPDX-License-Identifier: MIT
// A fuzzer's input as a stream of small decisions. After the end everything is zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace fakegpu::tests {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data, size) {}

  bool empty() const { return data_.empty(); }
  template <typename T>
  T take() {
    T value = {};
    const size_t bytes = data_.size() < sizeof(T) ? data_.size() : sizeof(T);
    std::memcpy(&value, data_.data(), bytes);
    data_ = data_.subspan(bytes);
    return value;
  }
  // 0 to `below` - 1.
  uint32_t pick(uint32_t below) { return take<uint8_t>() % below; }
  // Mostly small or an edge, sometimes anything: what arguments tend to break on.
  uint64_t number() {
    switch (pick(8)) {
      case 0:
        return 0;
      case 1:
        return UINT64_MAX;
      case 2:
        return UINT32_MAX;
      case 3:
        return uint64_t{1} << pick(64);
      case 4:
        return take<uint64_t>();
      default:
        return take<uint8_t>();
    }
  }

 private:
  std::span<const uint8_t> data_;
};

}  // namespace fakegpu::tests
