// SPDX-License-Identifier: MIT
// The driver's own calls, fakegpu_drm.h.
#pragma once

#include "fakegpu_drm.h"
#include "ioctl/table.h"
#include "row_macros.h"

namespace fakegpu::ioctl::driver {

inline constexpr FlagName kQueryItems[] = {
    NAME(DRM_FAKEGPU_QUERY_DEVICE), NAME(DRM_FAKEGPU_QUERY_RING),  NAME(DRM_FAKEGPU_QUERY_HEAP),
    NAME(DRM_FAKEGPU_QUERY_POLICY), NAME(DRM_FAKEGPU_QUERY_USAGE),
};
inline constexpr FlagName kHeaps[] = {
    NAME(DRM_FAKEGPU_HEAP_VRAM),
    NAME(DRM_FAKEGPU_HEAP_SYSTEM),
};
inline constexpr FlagName kBoFlags[] = {NAME(DRM_FAKEGPU_BO_SHAREABLE)};
inline constexpr FlagName kBindFlags[] = {NAME(DRM_FAKEGPU_VM_BIND_READONLY)};
inline constexpr FlagName kContextFlags[] = {
    NAME(DRM_FAKEGPU_CTX_RESET),
    NAME(DRM_FAKEGPU_CTX_GUILTY),
    NAME(DRM_FAKEGPU_CTX_VRAM_LOST),
    NAME(DRM_FAKEGPU_CTX_RESET_IN_PROGRESS),
};
inline constexpr FlagName kSubmitFlags[] = {
    NAME(DRM_FAKEGPU_SUBMIT_EVENT),
    NAME(DRM_FAKEGPU_SUBMIT_WAIT),
};
inline constexpr FlagName kIbFlags[] = {NAME(DRM_FAKEGPU_IB_PREEMPT)};

inline constexpr Field kQueryFields[] = {
    NAMED(drm_fakegpu_query, item, kEnum, kQueryItems),
    FIELD(drm_fakegpu_query, index, kUnsigned),
    FIELD(drm_fakegpu_query, data, kPointer),
    FIELD(drm_fakegpu_query, size, kUnsigned),
    FIELD(drm_fakegpu_query, pad, kPad),
};
inline constexpr ArrayField kQueryArrays[] = {
    ARRAY(drm_fakegpu_query, data, size, 1, kOut, kMaxQueryBytes),
};

inline constexpr Field kBoCreateFields[] = {
    FIELD(drm_fakegpu_bo_create, size, kUnsigned),
    FIELD(drm_fakegpu_bo_create, alignment, kUnsigned),
    NAMED(drm_fakegpu_bo_create, heap, kEnum, kHeaps),
    NAMED(drm_fakegpu_bo_create, flags, kFlags, kBoFlags),
    FIELD(drm_fakegpu_bo_create, handle, kUnsigned),
    FIELD(drm_fakegpu_bo_create, pad, kPad),
};
inline constexpr Field kBoInfoFields[] = {
    FIELD(drm_fakegpu_bo_info, handle, kUnsigned),
    FIELD(drm_fakegpu_bo_info, pad, kPad),
    FIELD(drm_fakegpu_bo_info, size, kUnsigned),
    FIELD(drm_fakegpu_bo_info, alignment, kUnsigned),
    NAMED(drm_fakegpu_bo_info, heap, kEnum, kHeaps),
    NAMED(drm_fakegpu_bo_info, flags, kFlags, kBoFlags),
};
inline constexpr Field kBoMmapFields[] = {
    FIELD(drm_fakegpu_bo_mmap, handle, kUnsigned),
    NAMED(drm_fakegpu_bo_mmap, flags, kFlags, {}),
    FIELD(drm_fakegpu_bo_mmap, offset, kHex),
    FIELD(drm_fakegpu_bo_mmap, size, kUnsigned),
};
inline constexpr Field kVmCreateFields[] = {
    NAMED(drm_fakegpu_vm_create, flags, kFlags, {}),
    FIELD(drm_fakegpu_vm_create, vm_id, kUnsigned),
};
inline constexpr Field kVmDestroyFields[] = {
    FIELD(drm_fakegpu_vm_destroy, vm_id, kUnsigned),
    FIELD(drm_fakegpu_vm_destroy, pad, kPad),
};
inline constexpr Field kVmBindFields[] = {
    FIELD(drm_fakegpu_vm_bind, vm_id, kUnsigned),
    FIELD(drm_fakegpu_vm_bind, handle, kUnsigned),
    NAMED(drm_fakegpu_vm_bind, flags, kFlags, kBindFlags),
    FIELD(drm_fakegpu_vm_bind, pad, kPad),
    FIELD(drm_fakegpu_vm_bind, bo_offset, kHex),
    FIELD(drm_fakegpu_vm_bind, va, kHex),
    FIELD(drm_fakegpu_vm_bind, size, kUnsigned),
};
inline constexpr Field kVmUnbindFields[] = {
    FIELD(drm_fakegpu_vm_unbind, vm_id, kUnsigned),
    FIELD(drm_fakegpu_vm_unbind, pad, kPad),
    FIELD(drm_fakegpu_vm_unbind, va, kHex),
};
inline constexpr Field kCtxCreateFields[] = {
    FIELD(drm_fakegpu_ctx_create, vm_id, kUnsigned),
    FIELD(drm_fakegpu_ctx_create, priority, kSigned),
    NAMED(drm_fakegpu_ctx_create, flags, kFlags, {}),
    FIELD(drm_fakegpu_ctx_create, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_ctx_create, fence_slot, kUnsigned),
    FIELD(drm_fakegpu_ctx_create, pad, kPad),
};
inline constexpr Field kCtxDestroyFields[] = {
    FIELD(drm_fakegpu_ctx_destroy, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_ctx_destroy, pad, kPad),
};
inline constexpr Field kCtxQueryFields[] = {
    FIELD(drm_fakegpu_ctx_query, ctx_id, kUnsigned),
    NAMED(drm_fakegpu_ctx_query, flags, kFlags, kContextFlags),
    FIELD(drm_fakegpu_ctx_query, priority, kSigned),
    FIELD(drm_fakegpu_ctx_query, pad, kPad),
    FIELD(drm_fakegpu_ctx_query, jobs_submitted, kUnsigned),
    FIELD(drm_fakegpu_ctx_query, jobs_completed, kUnsigned),
    FIELD(drm_fakegpu_ctx_query, gpu_time_ns, kUnsigned),
    FIELD(drm_fakegpu_ctx_query, wait_time_ns, kUnsigned),
};
inline constexpr Field kCtxSetPriorityFields[] = {
    FIELD(drm_fakegpu_ctx_set_priority, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_ctx_set_priority, priority, kSigned),
};

inline constexpr Field kIbFields[] = {
    FIELD(drm_fakegpu_ib, va, kHex),
    FIELD(drm_fakegpu_ib, dwords, kUnsigned),
    NAMED(drm_fakegpu_ib, flags, kFlags, kIbFlags),
};
inline constexpr Field kSyncFields[] = {
    FIELD(drm_fakegpu_sync, handle, kUnsigned),
    FIELD(drm_fakegpu_sync, pad, kPad),
    FIELD(drm_fakegpu_sync, point, kUnsigned),
};
inline constexpr FlagName kBoUseFlags[] = {
    NAME(DRM_FAKEGPU_BO_USE_READ),
    NAME(DRM_FAKEGPU_BO_USE_WRITE),
    NAME(DRM_FAKEGPU_BO_USE_EXPLICIT),
};
inline constexpr Field kBoUseFields[] = {
    FIELD(drm_fakegpu_bo_use, handle, kUnsigned),
    NAMED(drm_fakegpu_bo_use, flags, kFlags, kBoUseFlags),
};
inline constexpr Field kSubmitFields[] = {
    FIELD(drm_fakegpu_submit, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_submit, ring, kUnsigned),
    NAMED(drm_fakegpu_submit, flags, kFlags, kSubmitFlags),
    FIELD(drm_fakegpu_submit, ib_count, kUnsigned),
    FIELD(drm_fakegpu_submit, ibs, kPointer),
    FIELD(drm_fakegpu_submit, in_sync_count, kUnsigned),
    FIELD(drm_fakegpu_submit, out_sync_count, kUnsigned),
    FIELD(drm_fakegpu_submit, in_syncs, kPointer),
    FIELD(drm_fakegpu_submit, out_syncs, kPointer),
    FIELD(drm_fakegpu_submit, user_data, kHex),
    FIELD(drm_fakegpu_submit, seqno, kUnsigned),
    FIELD(drm_fakegpu_submit, bos, kPointer),
    FIELD(drm_fakegpu_submit, bo_count, kUnsigned),
    FIELD(drm_fakegpu_submit, pad, kPad),
};
inline constexpr ArrayField kSubmitArrays[] = {
    ARRAY(drm_fakegpu_submit, ibs, ib_count, sizeof(drm_fakegpu_ib), kIn, kMaxSubmitIbs, kIbFields),
    ARRAY(drm_fakegpu_submit, in_syncs, in_sync_count, sizeof(drm_fakegpu_sync), kIn,
          kMaxSubmitSyncobjs, kSyncFields),
    ARRAY(drm_fakegpu_submit, out_syncs, out_sync_count, sizeof(drm_fakegpu_sync), kIn,
          kMaxSubmitSyncobjs, kSyncFields),
    ARRAY(drm_fakegpu_submit, bos, bo_count, sizeof(drm_fakegpu_bo_use), kIn, kMaxSubmitBos,
          kBoUseFields),
};

// The token opens the file to whoever shows it within its ten seconds: not for a log.
inline constexpr Field kChannelFields[] = {
    FIELD(drm_fakegpu_channel, token, kSecret),
    FIELD(drm_fakegpu_channel, path, kText),
};

inline constexpr Field kWaitSeqnoFields[] = {
    FIELD(drm_fakegpu_wait_seqno, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_wait_seqno, ring, kUnsigned),
    FIELD(drm_fakegpu_wait_seqno, seqno, kUnsigned),
    FIELD(drm_fakegpu_wait_seqno, timeout_nsec, kSigned),
    NAMED(drm_fakegpu_wait_seqno, flags, kFlags, {}),
    FIELD(drm_fakegpu_wait_seqno, pad, kPad),
};
inline constexpr FlagName kRings[] = {NAME(DRM_FAKEGPU_ALL_RINGS)};
inline constexpr Field kSetPolicyFields[] = {
    FIELD(drm_fakegpu_set_policy, name, kText),
    NAMED(drm_fakegpu_set_policy, ring, kIndex, kRings),
    FIELD(drm_fakegpu_set_policy, pad, kPad),
};

inline constexpr Field kCtxUsageFields[] = {
    FIELD(drm_fakegpu_ctx_usage, ctx_id, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, ring, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.pushed, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.completed, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.refused, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.queued, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.in_flight, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.gpu_time_ns, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.wait_time_ns, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.longest_ns, kUnsigned),
    FIELD(drm_fakegpu_ctx_usage, usage.average_ns, kUnsigned),
};
inline constexpr Field kClientFields[] = {
    FIELD(drm_fakegpu_client, client_id, kUnsigned),
    FIELD(drm_fakegpu_client, pid, kUnsigned),
    FIELD(drm_fakegpu_client, uid, kUnsigned),
    FIELD(drm_fakegpu_client, command, kText),
    FIELD(drm_fakegpu_client, name, kText),
    FIELD(drm_fakegpu_client, engine_ns[0], kUnsigned),
    FIELD(drm_fakegpu_client, engine_ns[1], kUnsigned),
    FIELD(drm_fakegpu_client, engine_ns[2], kUnsigned),
    FIELD(drm_fakegpu_client, heap_bytes[0], kUnsigned),
    FIELD(drm_fakegpu_client, heap_bytes[1], kUnsigned),
    FIELD(drm_fakegpu_client, queued, kUnsigned),
    FIELD(drm_fakegpu_client, in_flight, kUnsigned),
};
inline constexpr Field kClientsFields[] = {
    FIELD(drm_fakegpu_clients, after, kUnsigned),
    FIELD(drm_fakegpu_clients, data, kPointer),
    FIELD(drm_fakegpu_clients, count, kUnsigned),
    FIELD(drm_fakegpu_clients, total, kUnsigned),
};
inline constexpr ArrayField kClientsArrays[] = {
    ARRAY(drm_fakegpu_clients, data, count, sizeof(drm_fakegpu_client), kOut, kMaxClients,
          kClientFields),
};
inline constexpr Field kFdinfoFields[] = {
    FIELD(drm_fakegpu_fdinfo, client_id, kUnsigned),
    FIELD(drm_fakegpu_fdinfo, data, kPointer),
    FIELD(drm_fakegpu_fdinfo, size, kUnsigned),
    FIELD(drm_fakegpu_fdinfo, pad, kPad),
};
inline constexpr ArrayField kFdinfoArrays[] = {
    ARRAY(drm_fakegpu_fdinfo, data, size, 1, kOut, kMaxQueryBytes, {}, true),
};
inline constexpr Field kAttachFields[] = {FIELD(drm_fakegpu_attach, token, kSecret)};
inline constexpr Field kIdentifyFields[] = {FIELD(drm_fakegpu_identify, file_id, kUnsigned)};

inline constexpr FlagName kFaultVerbs[] = {
    NAME(DRM_FAKEGPU_FAULT_INJECT),
    NAME(DRM_FAKEGPU_FAULT_CLEAR),
    NAME(DRM_FAKEGPU_FAULT_KINDS),
    NAME(DRM_FAKEGPU_FAULT_ARMED),
};
inline constexpr FlagName kAnyIoctl[] = {NAME(DRM_FAKEGPU_ANY_IOCTL)};
inline constexpr Field kInjectFields[] = {
    NAMED(drm_fakegpu_inject, verb, kEnum, kFaultVerbs),
    FIELD(drm_fakegpu_inject, pad, kPad),
    FIELD(drm_fakegpu_inject, fault.name, kText),
    NAMED(drm_fakegpu_inject, fault.ring, kIndex, kRings),
    NAMED(drm_fakegpu_inject, fault.ioctl, kIndex, kAnyIoctl),
    FIELD(drm_fakegpu_inject, fault.nth, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.probability, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.seed, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.duration_ns, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.for_ns, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.error, kUnsigned),
    FIELD(drm_fakegpu_inject, fault.pad, kPad),
    FIELD(drm_fakegpu_inject, data, kPointer),
    FIELD(drm_fakegpu_inject, size, kUnsigned),
    FIELD(drm_fakegpu_inject, pad2, kPad),
};
inline constexpr ArrayField kInjectArrays[] = {
    ARRAY(drm_fakegpu_inject, data, size, 1, kOut, kMaxReportBytes),
};

inline constexpr FlagName kCoredumpFlags[] = {
    NAME(DRM_FAKEGPU_COREDUMP_JSON),
    NAME(DRM_FAKEGPU_COREDUMP_RELEASE),
};
inline constexpr Field kCoredumpFields[] = {
    FIELD(drm_fakegpu_coredump, data, kPointer),
    FIELD(drm_fakegpu_coredump, size, kUnsigned),
    NAMED(drm_fakegpu_coredump, flags, kFlags, kCoredumpFlags),
    FIELD(drm_fakegpu_coredump, offset, kUnsigned),
    FIELD(drm_fakegpu_coredump, total, kUnsigned),
};
inline constexpr ArrayField kCoredumpArrays[] = {
    ARRAY(drm_fakegpu_coredump, data, size, 1, kOut, kMaxReportBytes),
};
inline constexpr FlagName kExplainKinds[] = {
    NAME(DRM_FAKEGPU_EXPLAIN_SYNCOBJ),
    NAME(DRM_FAKEGPU_EXPLAIN_JOB),
    NAME(DRM_FAKEGPU_EXPLAIN_CLIENT),
    NAME(DRM_FAKEGPU_EXPLAIN_ALL),
};
inline constexpr Field kExplainFields[] = {
    NAMED(drm_fakegpu_explain, what, kEnum, kExplainKinds),
    FIELD(drm_fakegpu_explain, handle, kUnsigned),
    FIELD(drm_fakegpu_explain, ring, kUnsigned),
    FIELD(drm_fakegpu_explain, pad, kPad),
    FIELD(drm_fakegpu_explain, point, kUnsigned),
    FIELD(drm_fakegpu_explain, data, kPointer),
    FIELD(drm_fakegpu_explain, size, kUnsigned),
    FIELD(drm_fakegpu_explain, pad2, kPad),
};
inline constexpr ArrayField kExplainArrays[] = {
    ARRAY(drm_fakegpu_explain, data, size, 1, kOut, kMaxReportBytes),
};

inline constexpr Field kRecordFields[] = {
    NAMED(drm_fakegpu_record, flags, kFlags, {}),
    FIELD(drm_fakegpu_record, capacity, kUnsigned),
};

inline constexpr FlagName kMonitorEvents[] = {NAME(DRM_FAKEGPU_MONITOR_WEDGED)};
inline constexpr Field kMonitorFields[] = {
    NAMED(drm_fakegpu_monitor, events, kFlags, kMonitorEvents),
    FIELD(drm_fakegpu_monitor, pad, kPad),
};

inline constexpr Row kRows[] = {
    ROW(DRM_IOCTL_FAKEGPU_QUERY, kRenderAllow, kQueryArrays, kQueryFields),
    ROW(DRM_IOCTL_FAKEGPU_BO_CREATE, kRenderAllow, {}, kBoCreateFields),
    ROW(DRM_IOCTL_FAKEGPU_BO_INFO, kRenderAllow, {}, kBoInfoFields),
    ROW(DRM_IOCTL_FAKEGPU_BO_MMAP, kRenderAllow, {}, kBoMmapFields),
    ROW(DRM_IOCTL_FAKEGPU_VM_CREATE, kRenderAllow, {}, kVmCreateFields),
    ROW(DRM_IOCTL_FAKEGPU_VM_DESTROY, kRenderAllow, {}, kVmDestroyFields),
    ROW(DRM_IOCTL_FAKEGPU_VM_BIND, kRenderAllow, {}, kVmBindFields),
    ROW(DRM_IOCTL_FAKEGPU_VM_UNBIND, kRenderAllow, {}, kVmUnbindFields),
    ROW(DRM_IOCTL_FAKEGPU_CTX_CREATE, kRenderAllow, {}, kCtxCreateFields),
    ROW(DRM_IOCTL_FAKEGPU_CTX_DESTROY, kRenderAllow, {}, kCtxDestroyFields),
    ROW(DRM_IOCTL_FAKEGPU_CTX_QUERY, kRenderAllow, {}, kCtxQueryFields),
    ROW(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, kRenderAllow, {}, kCtxSetPriorityFields),
    ROW(DRM_IOCTL_FAKEGPU_SUBMIT, kRenderAllow, kSubmitArrays, kSubmitFields),
    ROW(DRM_IOCTL_FAKEGPU_CHANNEL, kRenderAllow, {}, kChannelFields),
    ROW(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, kRenderAllow, {}, kWaitSeqnoFields),
    ROW(DRM_IOCTL_FAKEGPU_SET_POLICY, kRenderAllow, {}, kSetPolicyFields),
    ROW(DRM_IOCTL_FAKEGPU_CTX_USAGE, kRenderAllow, {}, kCtxUsageFields),
    ROW(DRM_IOCTL_FAKEGPU_CLIENTS, kRenderAllow, kClientsArrays, kClientsFields),
    ROW(DRM_IOCTL_FAKEGPU_FDINFO, kRenderAllow, kFdinfoArrays, kFdinfoFields),
    ROW(DRM_IOCTL_FAKEGPU_ATTACH, kRenderAllow, {}, kAttachFields),
    ROW(DRM_IOCTL_FAKEGPU_IDENTIFY, kRenderAllow, {}, kIdentifyFields),
    ROW(DRM_IOCTL_FAKEGPU_RECORD, kRenderAllow, {}, kRecordFields),
    ROW(DRM_IOCTL_FAKEGPU_INJECT, kRenderAllow, kInjectArrays, kInjectFields),
    ROW(DRM_IOCTL_FAKEGPU_COREDUMP, kRenderAllow, kCoredumpArrays, kCoredumpFields),
    ROW(DRM_IOCTL_FAKEGPU_EXPLAIN, kRenderAllow, kExplainArrays, kExplainFields),
    ROW(DRM_IOCTL_FAKEGPU_MONITOR, kRenderAllow, {}, kMonitorFields),
};

}  // namespace fakegpu::ioctl::driver

#include "row_macros_end.h"
