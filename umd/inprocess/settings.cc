// SPDX-License-Identifier: MIT
#include "inprocess/settings.h"

#include <charconv>

namespace fakegpu::umd {

namespace {

constexpr uint64_t kMinHeap = 1ull << 20;
constexpr uint64_t kMaxHeap = 1ull << 38;
constexpr uint64_t kPage = 4096;

// A number with an optional K, M or G.
bool parse_number(std::string_view text, uint64_t low, uint64_t high, uint64_t* out) {
  unsigned shift = 0;
  if (text.ends_with('K')) shift = 10;
  if (text.ends_with('M')) shift = 20;
  if (text.ends_with('G')) shift = 30;
  if (shift != 0) text.remove_suffix(1);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > (high >> shift))
    return false;
  *out = value << shift;
  return *out >= low;
}

bool apply(std::string_view key, std::string_view value, Settings* settings) {
  uint64_t number = 0;
  const auto count = [&](uint64_t low, uint64_t high, unsigned* to) {
    if (!parse_number(value, low, high, &number)) return false;
    *to = static_cast<unsigned>(number);
    return true;
  };
  const auto heap = [&](uint64_t* to) {
    return parse_number(value, kMinHeap, kMaxHeap, to) && *to % kPage == 0;
  };
  hw::Profile& profile = settings->profile;
  if (key == "gfx") return count(0, 4, &profile.gfx_rings);
  if (key == "compute") return count(0, 8, &profile.compute_rings);
  if (key == "sdma") return count(0, 4, &profile.sdma_rings);
  if (key == "workers") return count(1, 64, &settings->workers);
  if (key == "vram") return heap(&profile.vram_bytes);
  if (key == "sys") return heap(&profile.system_bytes);
  if (key == "without") {
    const auto features = drv::parse_features(value);
    settings->features &= ~features.value_or(0);
    return features.has_value();
  }
  if (key == "edu") {
    if (!parse_number(value, 0, 1, &number)) return false;
    profile.edu_packets = number != 0;
    return true;
  }
  return false;
}

}  // namespace

std::optional<Settings> parse_settings(std::string_view text) {
  Settings settings;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos ||
        !apply(item.substr(0, equals), item.substr(equals + 1), &settings))
      return std::nullopt;
  }
  return settings;
}

}  // namespace fakegpu::umd
