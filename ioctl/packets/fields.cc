// SPDX-License-Identifier: MIT
#include "fields.h"

#include <algorithm>

namespace fakegpu::packets {

std::string_view compare_name(Compare function) {
  switch (function) {
    case Compare::kAlways:
      return "always";
    case Compare::kLess:
      return "<";
    case Compare::kLessEqual:
      return "<=";
    case Compare::kEqual:
      return "==";
    case Compare::kNotEqual:
      return "!=";
    case Compare::kGreaterEqual:
      return ">=";
    case Compare::kGreater:
      return ">";
  }
  return "?";
}

std::string_view atomic_name(AtomicOp op) {
  switch (op) {
    case AtomicOp::kSwap32:
      return "swap32";
    case AtomicOp::kCompareSwap32:
      return "cmpswap32";
    case AtomicOp::kAdd32:
      return "add32";
    case AtomicOp::kSwap64:
      return "swap64";
    case AtomicOp::kCompareSwap64:
      return "cmpswap64";
    case AtomicOp::kAdd64:
      return "add64";
  }
  return {};
}

bool good_atomic(AtomicOp op, bool loop, uint64_t address, uint64_t data, uint64_t compare,
                 uint16_t interval) {
  if (atomic_name(op).empty()) return false;
  if (!good_address(address, is_64bit(op) ? 8 : 4)) return false;
  if (!is_64bit(op) && (high(data) != 0 || high(compare) != 0)) return false;
  if (!is_compare_swap(op) && (loop || compare != 0)) return false;
  return loop || interval == 0;
}

std::string dwords_text(Packet dwords) {
  constexpr size_t kShown = 8;
  std::string text = "[";
  for (size_t i = 0; i < std::min(dwords.size(), kShown); ++i)
    text += fmt::format("{}{:#x}", i == 0 ? "" : ", ", dwords[i]);
  if (dwords.size() > kShown) text += fmt::format(", ... {} in all", dwords.size());
  return text + "]";
}

}  // namespace fakegpu::packets
