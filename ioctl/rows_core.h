// SPDX-License-Identifier: MIT
// DRM core's calls: identity, masters, GEM, dumb buffers.
#pragma once

#include <drm.h>
#include <fcntl.h>

#include "ioctl/drm_core.h"
#include "ioctl/table.h"
#include "row_macros.h"

namespace fakegpu::ioctl::core {

inline constexpr FlagName kCaps[] = {
    NAME(DRM_CAP_DUMB_BUFFER),
    NAME(DRM_CAP_VBLANK_HIGH_CRTC),
    NAME(DRM_CAP_DUMB_PREFERRED_DEPTH),
    NAME(DRM_CAP_DUMB_PREFER_SHADOW),
    NAME(DRM_CAP_PRIME),
    NAME(DRM_CAP_TIMESTAMP_MONOTONIC),
    NAME(DRM_CAP_ASYNC_PAGE_FLIP),
    NAME(DRM_CAP_CURSOR_WIDTH),
    NAME(DRM_CAP_CURSOR_HEIGHT),
    NAME(DRM_CAP_ADDFB2_MODIFIERS),
    NAME(DRM_CAP_PAGE_FLIP_TARGET),
    NAME(DRM_CAP_CRTC_IN_VBLANK_EVENT),
    NAME(DRM_CAP_SYNCOBJ),
    NAME(DRM_CAP_SYNCOBJ_TIMELINE),
};
inline constexpr FlagName kClientCaps[] = {
    NAME(DRM_CLIENT_CAP_STEREO_3D),
    NAME(DRM_CLIENT_CAP_UNIVERSAL_PLANES),
    NAME(DRM_CLIENT_CAP_ATOMIC),
    NAME(DRM_CLIENT_CAP_ASPECT_RATIO),
    NAME(DRM_CLIENT_CAP_WRITEBACK_CONNECTORS),
};

inline constexpr Field kVersionFields[] = {
    FIELD(drm_version, version_major, kSigned),
    FIELD(drm_version, version_minor, kSigned),
    FIELD(drm_version, version_patchlevel, kSigned),
    FIELD(drm_version, name_len, kUnsigned),
    FIELD(drm_version, name, kPointer),
    FIELD(drm_version, date_len, kUnsigned),
    FIELD(drm_version, date, kPointer),
    FIELD(drm_version, desc_len, kUnsigned),
    FIELD(drm_version, desc, kPointer),
};
inline constexpr ArrayField kVersionArrays[] = {
    ARRAY(drm_version, name, name_len, 1, kOut, kMaxNameBytes, {}, true),
    ARRAY(drm_version, date, date_len, 1, kOut, kMaxNameBytes, {}, true),
    ARRAY(drm_version, desc, desc_len, 1, kOut, kMaxNameBytes, {}, true),
};

inline constexpr Field kUniqueFields[] = {
    FIELD(drm_unique, unique_len, kUnsigned),
    FIELD(drm_unique, unique, kPointer),
};
inline constexpr ArrayField kUniqueArrays[] = {
    ARRAY(drm_unique, unique, unique_len, 1, kOut, kMaxNameBytes, {}, true),
};

inline constexpr Field kClientFields[] = {
    FIELD(drm_client, idx, kSigned),     FIELD(drm_client, auth, kSigned),
    FIELD(drm_client, pid, kUnsigned),   FIELD(drm_client, uid, kUnsigned),
    FIELD(drm_client, magic, kUnsigned), FIELD(drm_client, iocs, kUnsigned),
};
inline constexpr Field kStatsFields[] = {FIELD(drm_stats, count, kUnsigned)};
inline constexpr Field kSetVersionFields[] = {
    FIELD(drm_set_version, drm_di_major, kSigned),
    FIELD(drm_set_version, drm_di_minor, kSigned),
    FIELD(drm_set_version, drm_dd_major, kSigned),
    FIELD(drm_set_version, drm_dd_minor, kSigned),
};
inline constexpr Field kGemCloseFields[] = {
    FIELD(drm_gem_close, handle, kUnsigned),
    FIELD(drm_gem_close, pad, kPad),
};
inline constexpr Field kGetCapFields[] = {
    NAMED(drm_get_cap, capability, kEnum, kCaps),
    FIELD(drm_get_cap, value, kUnsigned),
};
inline constexpr Field kSetClientCapFields[] = {
    NAMED(drm_set_client_cap, capability, kEnum, kClientCaps),
    FIELD(drm_set_client_cap, value, kUnsigned),
};

inline constexpr Field kAuthFields[] = {FIELD(drm_auth, magic, kUnsigned)};
inline constexpr FlagName kPrimeFlags[] = {NAME(DRM_CLOEXEC), NAME(DRM_RDWR)};
inline constexpr Field kPrimeFields[] = {
    FIELD(drm_prime_handle, handle, kUnsigned),
    NAMED(drm_prime_handle, flags, kFlags, kPrimeFlags),
    FIELD(drm_prime_handle, fd, kSigned),
};
inline constexpr Field kCreateDumbFields[] = {
    FIELD(drm_mode_create_dumb, height, kUnsigned), FIELD(drm_mode_create_dumb, width, kUnsigned),
    FIELD(drm_mode_create_dumb, bpp, kUnsigned),    FIELD(drm_mode_create_dumb, flags, kHex),
    FIELD(drm_mode_create_dumb, handle, kUnsigned), FIELD(drm_mode_create_dumb, pitch, kUnsigned),
    FIELD(drm_mode_create_dumb, size, kUnsigned),
};
inline constexpr Field kMapDumbFields[] = {
    FIELD(drm_mode_map_dumb, handle, kUnsigned),
    FIELD(drm_mode_map_dumb, pad, kPad),
    FIELD(drm_mode_map_dumb, offset, kHex),
};
inline constexpr Field kDestroyDumbFields[] = {FIELD(drm_mode_destroy_dumb, handle, kUnsigned)};

inline constexpr Field kSetClientNameFields[] = {
    FIELD(SetClientName, name_len, kUnsigned),
    FIELD(SetClientName, name, kPointer),
};
inline constexpr ArrayField kSetClientNameArrays[] = {
    ARRAY(SetClientName, name, name_len, 1, kIn, kMaxClientName, {}, true),
};

inline constexpr Row kRows[] = {
    ROW(DRM_IOCTL_VERSION, kRenderAllow, kVersionArrays, kVersionFields),
    ROW(DRM_IOCTL_GET_UNIQUE, 0, kUniqueArrays, kUniqueFields),
    ROW(DRM_IOCTL_GET_MAGIC, 0, {}, kAuthFields),
    ROW(DRM_IOCTL_GET_CLIENT, 0, {}, kClientFields),
    ROW(DRM_IOCTL_GET_STATS, 0, {}, kStatsFields),
    ROW(DRM_IOCTL_SET_VERSION, kMaster, {}, kSetVersionFields),
    ROW(DRM_IOCTL_GEM_CLOSE, kRenderAllow, {}, kGemCloseFields),
    ROW(DRM_IOCTL_GET_CAP, kRenderAllow, {}, kGetCapFields),
    ROW(DRM_IOCTL_SET_CLIENT_CAP, 0, {}, kSetClientCapFields),
    ROW(DRM_IOCTL_AUTH_MAGIC, kMaster, {}, kAuthFields),
    ROW(DRM_IOCTL_SET_MASTER, 0, {}, {}),
    ROW(DRM_IOCTL_DROP_MASTER, 0, {}, {}),
    ROW(DRM_IOCTL_PRIME_HANDLE_TO_FD, kRenderAllow, {}, kPrimeFields,
        GIVES_FD(drm_prime_handle, fd)),
    ROW(DRM_IOCTL_PRIME_FD_TO_HANDLE, kRenderAllow, {}, kPrimeFields,
        TAKES_FD(drm_prime_handle, fd)),
};

// Above the driver's range.
inline constexpr Row kModeRows[] = {
    ROW(DRM_IOCTL_MODE_CREATE_DUMB, 0, {}, kCreateDumbFields),
    ROW(DRM_IOCTL_MODE_MAP_DUMB, 0, {}, kMapDumbFields),
    ROW(DRM_IOCTL_MODE_DESTROY_DUMB, 0, {}, kDestroyDumbFields),
};

// Above the syncobj calls.
inline constexpr Row kLastRows[] = {
    Row{"DRM_IOCTL_SET_CLIENT_NAME", 'd', _IOC_NR(kSetClientNameCommand), sizeof(SetClientName),
        _IOC_DIR(kSetClientNameCommand), kRenderAllow, kSetClientNameArrays, kSetClientNameFields},
};

}  // namespace fakegpu::ioctl::core

#include "row_macros_end.h"
