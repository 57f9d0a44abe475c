// SPDX-License-Identifier: MIT
// DRM core's syncobj calls.
#pragma once

#include <drm.h>

#include "ioctl/drm_core.h"
#include "ioctl/table.h"
#include "row_macros.h"

namespace fakegpu::ioctl::syncobj {

inline constexpr FlagName kCreateFlags[] = {NAME(DRM_SYNCOBJ_CREATE_SIGNALED)};
inline constexpr FlagName kWaitFlags[] = {
    NAME(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL),
    NAME(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT),
    NAME(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE),
    {kSyncobjWaitDeadline, "DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE"},
};
inline constexpr FlagName kQueryFlags[] = {NAME(DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED)};

inline constexpr Field kCreateFields[] = {
    FIELD(drm_syncobj_create, handle, kUnsigned),
    NAMED(drm_syncobj_create, flags, kFlags, kCreateFlags),
};
inline constexpr Field kDestroyFields[] = {
    FIELD(drm_syncobj_destroy, handle, kUnsigned),
    FIELD(drm_syncobj_destroy, pad, kPad),
};
inline constexpr Field kWaitFields[] = {
    FIELD(SyncobjWait, handles, kPointer),         FIELD(SyncobjWait, timeout_nsec, kSigned),
    FIELD(SyncobjWait, count_handles, kUnsigned),  NAMED(SyncobjWait, flags, kFlags, kWaitFlags),
    FIELD(SyncobjWait, first_signaled, kUnsigned), FIELD(SyncobjWait, pad, kPad),
    FIELD(SyncobjWait, deadline_nsec, kUnsigned),
};
inline constexpr ArrayField kWaitArrays[] = {
    ARRAY(SyncobjWait, handles, count_handles, 4, kIn, kMaxSyncobjArray),
};
inline constexpr Field kTimelineWaitFields[] = {
    FIELD(SyncobjTimelineWait, handles, kPointer),
    FIELD(SyncobjTimelineWait, points, kPointer),
    FIELD(SyncobjTimelineWait, timeout_nsec, kSigned),
    FIELD(SyncobjTimelineWait, count_handles, kUnsigned),
    NAMED(SyncobjTimelineWait, flags, kFlags, kWaitFlags),
    FIELD(SyncobjTimelineWait, first_signaled, kUnsigned),
    FIELD(SyncobjTimelineWait, pad, kPad),
    FIELD(SyncobjTimelineWait, deadline_nsec, kUnsigned),
};
inline constexpr ArrayField kTimelineWaitArrays[] = {
    ARRAY(SyncobjTimelineWait, handles, count_handles, 4, kIn, kMaxSyncobjArray),
    ARRAY(SyncobjTimelineWait, points, count_handles, 8, kIn, kMaxSyncobjArray),
};
inline constexpr Field kArrayFields[] = {
    FIELD(drm_syncobj_array, handles, kPointer),
    FIELD(drm_syncobj_array, count_handles, kUnsigned),
    FIELD(drm_syncobj_array, pad, kPad),
};
inline constexpr ArrayField kArrayArrays[] = {
    ARRAY(drm_syncobj_array, handles, count_handles, 4, kIn, kMaxSyncobjArray),
};
// SIGNAL takes no flags.
inline constexpr Field kTimelineFields[] = {
    FIELD(drm_syncobj_timeline_array, handles, kPointer),
    FIELD(drm_syncobj_timeline_array, points, kPointer),
    FIELD(drm_syncobj_timeline_array, count_handles, kUnsigned),
    NAMED(drm_syncobj_timeline_array, flags, kFlags, {}),
};
inline constexpr Field kQueryFields[] = {
    FIELD(drm_syncobj_timeline_array, handles, kPointer),
    FIELD(drm_syncobj_timeline_array, points, kPointer),
    FIELD(drm_syncobj_timeline_array, count_handles, kUnsigned),
    NAMED(drm_syncobj_timeline_array, flags, kFlags, kQueryFlags),
};
inline constexpr ArrayField kQueryArrays[] = {
    ARRAY(drm_syncobj_timeline_array, handles, count_handles, 4, kIn, kMaxSyncobjArray),
    ARRAY(drm_syncobj_timeline_array, points, count_handles, 8, kOut, kMaxSyncobjArray),
};
inline constexpr ArrayField kTimelineArrays[] = {
    ARRAY(drm_syncobj_timeline_array, handles, count_handles, 4, kIn, kMaxSyncobjArray),
    ARRAY(drm_syncobj_timeline_array, points, count_handles, 8, kIn, kMaxSyncobjArray),
};

inline constexpr Row kRows[] = {
    ROW(DRM_IOCTL_SYNCOBJ_CREATE, kRenderAllow, {}, kCreateFields),
    ROW(DRM_IOCTL_SYNCOBJ_DESTROY, kRenderAllow, {}, kDestroyFields),
    {"DRM_IOCTL_SYNCOBJ_WAIT", _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT), sizeof(SyncobjWait),
     _IOC_DIR(DRM_IOCTL_SYNCOBJ_WAIT), kRenderAllow, kWaitArrays, kWaitFields},
    ROW(DRM_IOCTL_SYNCOBJ_RESET, kRenderAllow, kArrayArrays, kArrayFields),
    ROW(DRM_IOCTL_SYNCOBJ_SIGNAL, kRenderAllow, kArrayArrays, kArrayFields),
    {"DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT", _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT),
     sizeof(SyncobjTimelineWait), _IOC_DIR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT), kRenderAllow,
     kTimelineWaitArrays, kTimelineWaitFields},
    ROW(DRM_IOCTL_SYNCOBJ_QUERY, kRenderAllow, kQueryArrays, kQueryFields),
    ROW(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, kRenderAllow, kTimelineArrays, kTimelineFields),
};

}  // namespace fakegpu::ioctl::syncobj

#include "row_macros_end.h"
