// SPDX-License-Identifier: MIT
// What linux/sync_file.h of Debian 12 lacks, and the interface of sw_sync, which the kernel keeps
// to itself (drivers/dma-buf/sw_sync.c).
#pragma once

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include <cstdint>

namespace fakegpu::ioctl {

struct SyncSetDeadline {  // struct sync_set_deadline
  uint64_t deadline_ns;
  uint64_t pad;
};

struct SwSyncCreateFence {  // struct sw_sync_create_fence_data
  uint32_t value;
  char name[32];
  int32_t fence;  // out: descriptor of a sync_file
};

struct SwSyncInc {  // what SW_SYNC_IOC_INC's __u32 is
  uint32_t value;
};

struct SwSyncGetDeadline {  // struct sw_sync_get_deadline
  uint64_t deadline_ns;     // out
  uint32_t pad;
  int32_t fence_fd;
};

inline constexpr uint32_t kSyncIocSetDeadline = _IOW(SYNC_IOC_MAGIC, 5, SyncSetDeadline);
inline constexpr char kSwSyncMagic = 'W';
inline constexpr uint32_t kSwSyncIocCreateFence = _IOWR(kSwSyncMagic, 0, SwSyncCreateFence);
inline constexpr uint32_t kSwSyncIocInc = _IOW(kSwSyncMagic, 1, SwSyncInc);
inline constexpr uint32_t kSwSyncGetDeadline = _IOWR(kSwSyncMagic, 2, SwSyncGetDeadline);

static_assert(sizeof(SwSyncCreateFence) == 40 && sizeof(SwSyncGetDeadline) == 16);

}  // namespace fakegpu::ioctl
