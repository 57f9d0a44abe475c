// SPDX-License-Identifier: MIT
// A fault as people write it: "hang,ring=gfx_0.0,nth=3". One reader for the daemon's command line,
// the library and the tool.
//
//   NAME[,nth=N | ,probability=P[,seed=S]][,ring=R][,for=T][,duration=T][,errno=E][,ioctl=I]
//
// Without nth and probability nth is 1. R is a ring's index or name; P a number in (0, 1]; T a
// number of ns, or with us, ms or s after it; E an errno's name or number; I an ioctl's name, which
// may lack DRM_IOCTL_ or DRM_IOCTL_FAKEGPU_.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fakegpu_drm.h"

namespace fakegpu::ioctl {

// The index of the ring of that name.
using FindRing = std::function<std::optional<uint32_t>(std::string_view name)>;

// False: it is not understood, which `why` then says. Whether there is such a fault, and it takes
// what it is told, is for the device to say.
bool parse_fault(std::string_view text, const FindRing& find_ring, drm_fakegpu_fault* fault,
                 std::string* why);

// The other way round, for people: as parse_fault() takes it. `ring`: the name of fault.ring.
std::string fault_text(const drm_fakegpu_fault& fault, std::string_view ring);

}  // namespace fakegpu::ioctl
