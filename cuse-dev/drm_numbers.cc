// SPDX-License-Identifier: MIT
#include "drm_numbers.h"

#include <sys/sysmacros.h>

#include <charconv>

namespace fakegpu::cuse_dev {
namespace {

constexpr unsigned kMajor = 226;
constexpr unsigned kMinorsOfAKind = 64;

}  // namespace

std::optional<dev_t> drm_number(std::string_view name) {
  constexpr struct {
    std::string_view prefix;
    unsigned first;
  } kKinds[] = {{"dri/card", 0}, {"dri/renderD", 128}};
  for (const auto& [prefix, first] : kKinds) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view digits = name.substr(prefix.size());
    unsigned minor = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), minor);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (minor < first || minor >= first + kMinorsOfAKind) return std::nullopt;
    return makedev(kMajor, minor);
  }
  return std::nullopt;
}

bool is_drm_loaded(std::string_view devices) {
  return devices.find("\n226 drm\n") != std::string_view::npos;
}

}  // namespace fakegpu::cuse_dev
