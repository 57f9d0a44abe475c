// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace fakegpu::drv {

// A client's name must not pass for another line of a text, nor tell a terminal what to do.
inline std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; },
      '?');
  return out;
}

}  // namespace fakegpu::drv
