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

inline constexpr FlagName kHandleToFdFlags[] = {
    NAME(DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE),
    {kSyncobjFdTimeline, "DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_TIMELINE"},
};
inline constexpr FlagName kFdToHandleFlags[] = {
    NAME(DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE),
    {kSyncobjFdTimeline, "DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_TIMELINE"},
};
inline constexpr Field kHandleToFdFields[] = {
    FIELD(SyncobjHandle, handle, kUnsigned), NAMED(SyncobjHandle, flags, kFlags, kHandleToFdFlags),
    FIELD(SyncobjHandle, fd, kSigned),       FIELD(SyncobjHandle, pad, kPad),
    FIELD(SyncobjHandle, point, kUnsigned),
};
inline constexpr Field kFdToHandleFields[] = {
    FIELD(SyncobjHandle, handle, kUnsigned), NAMED(SyncobjHandle, flags, kFlags, kFdToHandleFlags),
    FIELD(SyncobjHandle, fd, kSigned),       FIELD(SyncobjHandle, pad, kPad),
    FIELD(SyncobjHandle, point, kUnsigned),
};
inline constexpr Field kTransferFields[] = {
    FIELD(drm_syncobj_transfer, src_handle, kUnsigned),
    FIELD(drm_syncobj_transfer, dst_handle, kUnsigned),
    FIELD(drm_syncobj_transfer, src_point, kUnsigned),
    FIELD(drm_syncobj_transfer, dst_point, kUnsigned),
    NAMED(drm_syncobj_transfer, flags, kFlags, kWaitFlags),
    FIELD(drm_syncobj_transfer, pad, kPad),
};
inline constexpr Field kEventfdFields[] = {
    FIELD(SyncobjEventfd, handle, kUnsigned), NAMED(SyncobjEventfd, flags, kFlags, kWaitFlags),
    FIELD(SyncobjEventfd, point, kUnsigned),  FIELD(SyncobjEventfd, fd, kSigned),
    FIELD(SyncobjEventfd, pad, kPad),
};

inline constexpr Row kRows[] = {
    ROW(DRM_IOCTL_SYNCOBJ_CREATE, kRenderAllow, {}, kCreateFields),
    ROW(DRM_IOCTL_SYNCOBJ_DESTROY, kRenderAllow, {}, kDestroyFields),
    ROW_OF_SIZE(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, sizeof(SyncobjHandle), kRenderAllow, {},
                kHandleToFdFields, GIVES_FD(SyncobjHandle, fd)),
    ROW_OF_SIZE(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, sizeof(SyncobjHandle), kRenderAllow, {},
                kFdToHandleFields, TAKES_FD(SyncobjHandle, fd)),
    ROW_OF_SIZE(DRM_IOCTL_SYNCOBJ_WAIT, sizeof(SyncobjWait), kRenderAllow, kWaitArrays,
                kWaitFields),
    ROW(DRM_IOCTL_SYNCOBJ_RESET, kRenderAllow, kArrayArrays, kArrayFields),
    ROW(DRM_IOCTL_SYNCOBJ_SIGNAL, kRenderAllow, kArrayArrays, kArrayFields),
    ROW_OF_SIZE(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, sizeof(SyncobjTimelineWait), kRenderAllow,
                kTimelineWaitArrays, kTimelineWaitFields),
    ROW(DRM_IOCTL_SYNCOBJ_QUERY, kRenderAllow, kQueryArrays, kQueryFields),
    ROW(DRM_IOCTL_SYNCOBJ_TRANSFER, kRenderAllow, {}, kTransferFields),
    ROW(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, kRenderAllow, kTimelineArrays, kTimelineFields),
    Row{"DRM_IOCTL_SYNCOBJ_EVENTFD",
        'd',
        _IOC_NR(kSyncobjEventfdCommand),
        sizeof(SyncobjEventfd),
        _IOC_DIR(kSyncobjEventfdCommand),
        kRenderAllow,
        {},
        kEventfdFields,
        TAKES_FD(SyncobjEventfd, fd)},
};

}  // namespace fakegpu::ioctl::syncobj

#include "row_macros_end.h"
