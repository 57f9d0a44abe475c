// SPDX-License-Identifier: MIT
// How many descriptors the process may have: what its clients are served with.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace fakegpu::cuse_dev {

// Raises the soft limit of open descriptors (RLIMIT_NOFILE) to the hard one, and returns it. The
// soft limit is low for the sake of programs that use select(), which takes no descriptor above
// 1023; nothing here does. Of the whole process; before threads and connections are made.
base::Result<uint64_t> raise_descriptor_limit();

}  // namespace fakegpu::cuse_dev
