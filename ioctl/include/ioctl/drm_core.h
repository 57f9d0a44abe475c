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

// DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE and DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_TIMELINE: `point`
// counts.
inline constexpr uint32_t kSyncobjFdTimeline = 1u << 1;

struct SyncobjHandle {  // struct drm_syncobj_handle
  uint32_t handle;
  uint32_t flags;
  int32_t fd;
  uint32_t pad;
  uint64_t point;
};

struct SyncobjEventfd {  // struct drm_syncobj_eventfd
  uint32_t handle;
  uint32_t flags;
  uint64_t point;
  int32_t fd;
  uint32_t pad;
};

// DRM_IOCTL_SYNCOBJ_EVENTFD, _IOWR('d', 0xcf, struct drm_syncobj_eventfd).
inline constexpr uint32_t kSyncobjEventfdCommand = 0xc01864cf;

// DRM_CLIENT_NAME_MAX_LEN.
inline constexpr uint32_t kMaxClientName = 64;

struct SetClientName {  // struct drm_set_client_name
  uint64_t name_len;    // without a NUL
  uint64_t name;
};

// DRM_IOCTL_SET_CLIENT_NAME, _IOWR('d', 0xd1, struct drm_set_client_name).
inline constexpr uint32_t kSetClientNameCommand = 0xc01064d1;

static_assert(sizeof(SetClientName) == 16);
static_assert(sizeof(SyncobjHandle) == 24 && sizeof(SyncobjEventfd) == 24);
static_assert(sizeof(SyncobjWait) == 40 && sizeof(SyncobjTimelineWait) == 48);

}  // namespace fakegpu::ioctl
