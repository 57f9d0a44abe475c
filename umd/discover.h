// SPDX-License-Identifier: MIT
// Where devices may be, and which transport a place asks for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <fakegpu/device.h>

namespace fakegpu::umd {

inline constexpr char kInprocessPrefix[] = "inprocess:";
// Before a socket's path or kInprocessPrefix: the primary node, which has no path there.
inline constexpr char kPrimaryPrefix[] = "card:";

// What discovery depends on.
struct Environment {
  std::optional<std::string> device;  // $FAKEGPU_DEVICE
  std::vector<std::string> defaults;  // in order of preference
};
Environment environment();

// The places where a daemon serves unless told otherwise. `runtime_directory`: $XDG_RUNTIME_DIR;
// unless `user` is root, who has no daemon there, and if it is absolute, a daemon of the user's own
// comes before the system's.
std::vector<std::string> default_places(uid_t user, const char* runtime_directory);

struct Place {
  std::string where;
  const char* source;  // as fakegpu_candidate
};

// What fakegpu_device_open(NULL) tries, in order.
std::vector<Place> places(const Environment& environment);

// "cuse", "fuse", "socket", "inprocess", or the negative errno of looking: -ENXIO for what is none
// of them.
struct Kind {
  int result;
  const char* transport;
};
Kind kind_of(const std::string& where);

int open_at(const std::string& where, struct fakegpu_device** out);

// Tries each place of `environment` and those that its setting hides; as fakegpu_discover().
int visit_candidates(const Environment& environment,
                     int (*visit)(const struct fakegpu_candidate*, void*), void* data);

}  // namespace fakegpu::umd
