// SPDX-License-Identifier: MIT
// Calls of the files that DRM's calls give out, and of sw_sync: not DRM's type, so not DRM's rules.
// Their files compare the whole command word, and copy nothing back on an error.
#pragma once

#include <drm.h>

#include "ioctl/sync_file.h"
#include "ioctl/table.h"
#include "row_macros.h"

namespace fakegpu::ioctl::fence_files {

inline constexpr FlagName kDmaBufFlags[] = {NAME(DMA_BUF_SYNC_READ), NAME(DMA_BUF_SYNC_WRITE)};
inline constexpr FlagName kDmaBufSyncFlags[] = {NAME(DMA_BUF_SYNC_READ), NAME(DMA_BUF_SYNC_WRITE),
                                                NAME(DMA_BUF_SYNC_END)};
inline constexpr Field kDmaBufSyncFields[] = {
    NAMED(dma_buf_sync, flags, kFlags, kDmaBufSyncFlags),
};
inline constexpr Field kExportFields[] = {
    NAMED(dma_buf_export_sync_file, flags, kFlags, kDmaBufFlags),
    FIELD(dma_buf_export_sync_file, fd, kSigned),
};
inline constexpr Field kImportFields[] = {
    NAMED(dma_buf_import_sync_file, flags, kFlags, kDmaBufFlags),
    FIELD(dma_buf_import_sync_file, fd, kSigned),
};

inline constexpr Field kMergeFields[] = {
    FIELD(sync_merge_data, name, kText),    FIELD(sync_merge_data, fd2, kSigned),
    FIELD(sync_merge_data, fence, kSigned), NAMED(sync_merge_data, flags, kFlags, {}),
    FIELD(sync_merge_data, pad, kPad),
};
inline constexpr Field kFenceInfoFields[] = {
    FIELD(sync_fence_info, obj_name, kText),         FIELD(sync_fence_info, driver_name, kText),
    FIELD(sync_fence_info, status, kSigned),         NAMED(sync_fence_info, flags, kFlags, {}),
    FIELD(sync_fence_info, timestamp_ns, kUnsigned),
};
inline constexpr Field kFileInfoFields[] = {
    FIELD(sync_file_info, name, kText),       FIELD(sync_file_info, status, kSigned),
    NAMED(sync_file_info, flags, kFlags, {}), FIELD(sync_file_info, num_fences, kUnsigned),
    FIELD(sync_file_info, pad, kPad),         FIELD(sync_file_info, sync_fence_info, kPointer),
};
inline constexpr ArrayField kFileInfoArrays[] = {
    ARRAY(sync_file_info, sync_fence_info, num_fences, sizeof(struct sync_fence_info), kOut,
          kMaxFenceInfos, kFenceInfoFields),
};
inline constexpr Field kSetDeadlineFields[] = {
    FIELD(SyncSetDeadline, deadline_ns, kUnsigned),
    FIELD(SyncSetDeadline, pad, kPad),
};

inline constexpr Field kCreateFenceFields[] = {
    FIELD(SwSyncCreateFence, value, kUnsigned),
    FIELD(SwSyncCreateFence, name, kText),
    FIELD(SwSyncCreateFence, fence, kSigned),
};
inline constexpr Field kIncFields[] = {FIELD(SwSyncInc, value, kUnsigned)};
inline constexpr Field kGetDeadlineFields[] = {
    FIELD(SwSyncGetDeadline, deadline_ns, kUnsigned),
    FIELD(SwSyncGetDeadline, pad, kPad),
    FIELD(SwSyncGetDeadline, fence_fd, kSigned),
};

inline constexpr Row kSyncFileRows[] = {
    ROW(SYNC_IOC_MERGE, 0, {}, kMergeFields,
        FdFields{.takes = offsetof(sync_merge_data, fd2),
                 .gives = offsetof(sync_merge_data, fence)}),
    ROW(SYNC_IOC_FILE_INFO, 0, kFileInfoArrays, kFileInfoFields),
    Row{"SYNC_IOC_SET_DEADLINE",
        SYNC_IOC_MAGIC,
        _IOC_NR(kSyncIocSetDeadline),
        sizeof(SyncSetDeadline),
        _IOC_DIR(kSyncIocSetDeadline),
        0,
        {},
        kSetDeadlineFields},
};
inline constexpr Row kSwSyncRows[] = {
    Row{"SW_SYNC_IOC_CREATE_FENCE",
        kSwSyncMagic,
        _IOC_NR(kSwSyncIocCreateFence),
        sizeof(SwSyncCreateFence),
        _IOC_DIR(kSwSyncIocCreateFence),
        0,
        {},
        kCreateFenceFields,
        GIVES_FD(SwSyncCreateFence, fence)},
    Row{"SW_SYNC_IOC_INC",
        kSwSyncMagic,
        _IOC_NR(kSwSyncIocInc),
        sizeof(SwSyncInc),
        _IOC_DIR(kSwSyncIocInc),
        0,
        {},
        kIncFields},
    Row{"SW_SYNC_GET_DEADLINE",
        kSwSyncMagic,
        _IOC_NR(kSwSyncGetDeadline),
        sizeof(SwSyncGetDeadline),
        _IOC_DIR(kSwSyncGetDeadline),
        0,
        {},
        kGetDeadlineFields,
        TAKES_FD(SwSyncGetDeadline, fence_fd)},
};
inline constexpr Row kDmaBufRows[] = {
    ROW(DMA_BUF_IOCTL_SYNC, 0, {}, kDmaBufSyncFields),
    ROW(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, 0, {}, kExportFields,
        GIVES_FD(dma_buf_export_sync_file, fd)),
    ROW(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, 0, {}, kImportFields,
        TAKES_FD(dma_buf_import_sync_file, fd)),
};

}  // namespace fakegpu::ioctl::fence_files

#include "row_macros_end.h"
