// SPDX-License-Identifier: MIT
#include "descriptor_limit.h"

#include <sys/resource.h>

namespace fakegpu::cuse_dev {

base::Result<uint64_t> raise_descriptor_limit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return base::fail_errno("getrlimit RLIMIT_NOFILE");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return base::fail_errno("raise RLIMIT_NOFILE to " + std::to_string(limit.rlim_max));
  return limit.rlim_cur;
}

}  // namespace fakegpu::cuse_dev
