// SPDX-License-Identifier: MIT
#include "ioctl/fault_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "ioctl/table.h"

namespace fakegpu::ioctl {
namespace {

constexpr int kErrnos = 134;
constexpr std::string_view kPrefix = "DRM_IOCTL_";
constexpr std::string_view kOwnPrefix = "DRM_IOCTL_FAKEGPU_";

struct Unit {
  std::string_view name;
  uint64_t ns;
};
// "s" ends them all.
constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};

template <typename Number>
bool parse_number(std::string_view text, Number* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_time(std::string_view text, __u64* ns) {
  uint64_t unit = 1;
  for (const Unit& one : kUnits) {
    if (!text.ends_with(one.name)) continue;
    text.remove_suffix(one.name.size());
    unit = one.ns;
    break;
  }
  uint64_t count = 0;
  if (!parse_number(text, &count) || count == 0 || count > INT64_MAX / unit) return false;
  *ns = count * unit;
  return true;
}

std::string time_text(uint64_t ns) {
  const Unit* best = kUnits;
  for (const Unit& one : kUnits)
    if (ns % one.ns == 0) best = &one;
  return fmt::format("{}{}", ns / best->ns, best->name);
}

// Never rounded to none. Written so that NaN is refused too.
bool parse_probability(std::string_view text, __u64* parts) {
  double value = 0;
  if (!parse_number(text, &value) || !(value > 0 && value <= 1)) return false;
  *parts = std::max<__u64>(1, static_cast<__u64>(std::llround(value * 0x1p32)));
  return true;
}

bool parse_errno(std::string_view text, __u32* error) {
  if (parse_number(text, error)) return *error > 0 && *error < kErrnos;
  for (int i = 1; i < kErrnos; ++i) {
    const char* const name = ::strerrorname_np(i);
    if (name == nullptr || text != name) continue;
    *error = static_cast<__u32>(i);
    return true;
  }
  return false;
}

bool parse_ioctl(std::string_view text, __u32* nr) {
  for (const Row& row : table()) {
    if (row.type != DRM_IOCTL_BASE) continue;
    const bool own = row.name.starts_with(kOwnPrefix);
    if (row.name != text && row.name.substr(kPrefix.size()) != text &&
        !(own && row.name.substr(kOwnPrefix.size()) == text))
      continue;
    *nr = row.nr;
    return true;
  }
  return false;
}

bool parse_ring(std::string_view text, const FindRing& find_ring, __u32* ring) {
  if (parse_number(text, ring)) return *ring != DRM_FAKEGPU_ALL_RINGS;
  const auto found = find_ring(text);
  *ring = found.value_or(0);
  return found.has_value();
}

bool parse_item(std::string_view key, std::string_view value, const FindRing& find_ring,
                drm_fakegpu_fault* fault) {
  if (key == "ring") return parse_ring(value, find_ring, &fault->ring);
  if (key == "nth") return parse_number(value, &fault->nth) && fault->nth != 0;
  if (key == "probability") return parse_probability(value, &fault->probability);
  if (key == "seed") return parse_number(value, &fault->seed);
  if (key == "for") return parse_time(value, &fault->for_ns);
  if (key == "duration") return parse_time(value, &fault->duration_ns);
  if (key == "errno") return parse_errno(value, &fault->error);
  if (key == "ioctl") return parse_ioctl(value, &fault->ioctl);
  return false;
}

}  // namespace

bool parse_fault(std::string_view text, const FindRing& find_ring, drm_fakegpu_fault* fault,
                 std::string* why) {
  *fault = {};
  fault->ring = DRM_FAKEGPU_ALL_RINGS;
  fault->ioctl = DRM_FAKEGPU_ANY_IOCTL;
  const std::string_view name = text.substr(0, text.find(','));
  if (name.empty() || name.size() >= sizeof(fault->name)) {
    *why = fmt::format("fault \"{}\" has no name, or too long a one", text);
    return false;
  }
  name.copy(fault->name, name.size());
  size_t at = name.size();
  while (at < text.size()) {
    const std::string_view rest = text.substr(at + 1);
    const std::string_view item = rest.substr(0, rest.find(','));
    at += 1 + item.size();
    const size_t equals = item.find('=');
    if (equals != std::string_view::npos &&
        parse_item(item.substr(0, equals), item.substr(equals + 1), find_ring, fault))
      continue;
    *why = fmt::format("fault {}: \"{}\" is not understood", name, item);
    return false;
  }
  if (fault->nth == 0 && fault->probability == 0) fault->nth = 1;
  return true;
}

std::string fault_text(const drm_fakegpu_fault& fault, std::string_view ring) {
  std::string text(fault.name, ::strnlen(fault.name, sizeof(fault.name)));
  if (fault.nth != 0) text += fmt::format(",nth={}", fault.nth);
  if (fault.probability != 0)
    text += fmt::format(",probability={:.9g}", static_cast<double>(fault.probability) * 0x1p-32);
  if (fault.seed != 0) text += fmt::format(",seed={}", fault.seed);
  if (fault.ring != DRM_FAKEGPU_ALL_RINGS) text += fmt::format(",ring={}", ring);
  if (fault.for_ns != 0) text += fmt::format(",for={}", time_text(fault.for_ns));
  if (fault.duration_ns != 0) text += fmt::format(",duration={}", time_text(fault.duration_ns));
  if (fault.error != 0) {
    const char* const name = ::strerrorname_np(static_cast<int>(fault.error));
    text += fmt::format(",errno={}", name ? std::string(name) : std::to_string(fault.error));
  }
  if (fault.ioctl != DRM_FAKEGPU_ANY_IOCTL)
    if (const Row* row = find_row(DRM_IO(fault.ioctl)))
      text += fmt::format(",ioctl={}", row->name.substr(kPrefix.size()));
  return text;
}

}  // namespace fakegpu::ioctl
