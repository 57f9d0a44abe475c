// SPDX-License-Identifier: MIT
// DRM core structs that are newer than libdrm 2.4.114's drm.h. A caller built against the older
// ones passes a smaller size; what it lacks reads as 0.
#pragma once

#include <cstdint>

namespace fakegpu::ioctl {

// DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE: deadline_nsec is a hint to the fences waited for.
inline constexpr uint32_t kSyncobjWaitDeadline = 1u << 3;

struct SyncobjWait {  // struct drm_syncobj_wait
  uint64_t handles;
  int64_t timeout_nsec;  // absolute, CLOCK_MONOTONIC
  uint32_t count_handles;
  uint32_t flags;
  uint32_t first_signaled;  // out; only when not waiting for all
  uint32_t pad;
  uint64_t deadline_nsec;
};

struct SyncobjTimelineWait {  // struct drm_syncobj_timeline_wait
  uint64_t handles;
  uint64_t points;
  int64_t timeout_nsec;
  uint32_t count_handles;
  uint32_t flags;
  uint32_t first_signaled;
  uint32_t pad;
  uint64_t deadline_nsec;
};

static_assert(sizeof(SyncobjWait) == 40 && sizeof(SyncobjTimelineWait) == 48);

}  // namespace fakegpu::ioctl
