// SPDX-License-Identifier: MIT
#include "syncobj.h"

#include <fakegpu/sync.h>

#include "ioctl/drm_core.h"
#include "ioctl/small_array.h"

using namespace fakegpu;
using namespace fakegpu::umd;

namespace {

// As long as the driver knows it, so that it has nothing to fill up.
constexpr unsigned long kTimelineWait = _IOWR('d', 0xca, ioctl::SyncobjTimelineWait);

uint64_t pointer(const void* at) {
  return reinterpret_cast<uintptr_t>(at);
}

// HANDLE_TO_FD and FD_TO_HANDLE. A timeline's point needs the longer struct, which older kernels'
// headers lack.
ioctl::SyncobjHandle handle_and_fd(uint32_t handle, uint32_t flags, int fd, uint64_t point) {
  if (point != 0) flags |= ioctl::kSyncobjFdTimeline;
  return {handle, flags, fd, 0, point};
}
constexpr unsigned long kHandleToFd = DRM_IOWR(0xc1, ioctl::SyncobjHandle);
constexpr unsigned long kFdToHandle = DRM_IOWR(0xc2, ioctl::SyncobjHandle);

int export_fd(fakegpu_syncobj* syncobj, uint32_t flags, uint64_t point, int* fd) {
  auto arg = handle_and_fd(syncobj->handle, flags, -1, point);
  const int result = syncobj->device->call(kHandleToFd, &arg);
  if (result == 0) *fd = arg.fd;
  return result;
}

}  // namespace

fakegpu_syncobj::~fakegpu_syncobj() {
  if (handle == 0) return;
  drm_syncobj_destroy destroy = {};
  destroy.handle = handle;
  device->call(DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

extern "C" {

int fakegpu_syncobj_create(struct fakegpu_device* dev, uint32_t flags,
                           struct fakegpu_syncobj** out) {
  return guarded([&] {
    auto syncobj = std::make_unique<fakegpu_syncobj>();
    syncobj->device = dev->core;
    drm_syncobj_create create = {};
    create.flags = flags;
    const int result = dev->core->call(DRM_IOCTL_SYNCOBJ_CREATE, &create);
    if (result != 0) return result;
    syncobj->handle = create.handle;
    *out = syncobj.release();
    return 0;
  });
}

void fakegpu_syncobj_destroy(struct fakegpu_syncobj* syncobj) {
  delete syncobj;
}

uint32_t fakegpu_syncobj_handle(const struct fakegpu_syncobj* syncobj) {
  return syncobj->handle;
}

int fakegpu_syncobj_wait(struct fakegpu_device* dev, struct fakegpu_syncobj* const* syncobjs,
                         uint32_t count, int64_t deadline_ns, uint32_t flags, uint32_t* first) {
  return guarded([&] {
    ioctl::SmallArray<uint32_t> handles(count);
    for (uint32_t i = 0; i < count; ++i) {
      if (syncobjs[i]->device != dev->core) return -EINVAL;
      handles[i] = syncobjs[i]->handle;
    }
    drm_syncobj_wait wait = {};
    wait.handles = pointer(handles.data());
    wait.timeout_nsec = deadline_ns;
    wait.count_handles = count;
    wait.flags = flags;
    const int result = dev->core->call(DRM_IOCTL_SYNCOBJ_WAIT, &wait);
    if (result == 0 && first) *first = wait.first_signaled;
    return result;
  });
}

int fakegpu_syncobj_timeline_wait(struct fakegpu_device* dev,
                                  const struct fakegpu_sync_point* points, uint32_t count,
                                  int64_t deadline_ns, uint32_t flags, uint32_t* first) {
  return guarded([&] {
    ioctl::SmallArray<uint32_t> handles(count);
    ioctl::SmallArray<uint64_t> values(count);
    for (uint32_t i = 0; i < count; ++i) {
      if (points[i].syncobj->device != dev->core) return -EINVAL;
      handles[i] = points[i].syncobj->handle;
      values[i] = points[i].point;
    }
    ioctl::SyncobjTimelineWait wait = {};
    wait.handles = pointer(handles.data());
    wait.points = pointer(values.data());
    wait.timeout_nsec = deadline_ns;
    wait.count_handles = count;
    wait.flags = flags;
    const int result = dev->core->call(kTimelineWait, &wait);
    if (result == 0 && first) *first = wait.first_signaled;
    return result;
  });
}

int fakegpu_syncobj_reset(struct fakegpu_syncobj* syncobj) {
  return guarded([&] {
    drm_syncobj_array array = {};
    array.handles = pointer(&syncobj->handle);
    array.count_handles = 1;
    return syncobj->device->call(DRM_IOCTL_SYNCOBJ_RESET, &array);
  });
}

int fakegpu_syncobj_signal(struct fakegpu_syncobj* syncobj, uint64_t point) {
  return guarded([&] {
    if (point == 0) {
      drm_syncobj_array array = {};
      array.handles = pointer(&syncobj->handle);
      array.count_handles = 1;
      return syncobj->device->call(DRM_IOCTL_SYNCOBJ_SIGNAL, &array);
    }
    drm_syncobj_timeline_array array = {};
    array.handles = pointer(&syncobj->handle);
    array.points = pointer(&point);
    array.count_handles = 1;
    return syncobj->device->call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
  });
}

int fakegpu_syncobj_query(struct fakegpu_syncobj* syncobj, uint32_t flags, uint64_t* point) {
  return guarded([&] {
    uint64_t value = 0;
    drm_syncobj_timeline_array array = {};
    array.handles = pointer(&syncobj->handle);
    array.points = pointer(&value);
    array.count_handles = 1;
    array.flags = flags;
    const int result = syncobj->device->call(DRM_IOCTL_SYNCOBJ_QUERY, &array);
    if (result == 0) *point = value;
    return result;
  });
}

int fakegpu_syncobj_export(struct fakegpu_syncobj* syncobj, int* fd) {
  return guarded([&] { return export_fd(syncobj, 0, 0, fd); });
}

int fakegpu_syncobj_import(struct fakegpu_device* dev, int fd, struct fakegpu_syncobj** out) {
  return guarded([&] {
    auto syncobj = std::make_unique<fakegpu_syncobj>();
    syncobj->device = dev->core;
    auto arg = handle_and_fd(0, 0, fd, 0);
    const int result = dev->core->call(kFdToHandle, &arg);
    if (result != 0) return result;
    syncobj->handle = arg.handle;
    *out = syncobj.release();
    return 0;
  });
}

int fakegpu_syncobj_export_sync_file(struct fakegpu_syncobj* syncobj, uint64_t point, int* fd) {
  return guarded([&] {
    return export_fd(syncobj, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, point, fd);
  });
}

int fakegpu_syncobj_import_sync_file(struct fakegpu_syncobj* syncobj, uint64_t point, int fd) {
  return guarded([&] {
    auto arg =
        handle_and_fd(syncobj->handle, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, fd, point);
    return syncobj->device->call(kFdToHandle, &arg);
  });
}

int fakegpu_syncobj_transfer(struct fakegpu_syncobj* to, uint64_t to_point,
                             struct fakegpu_syncobj* from, uint64_t from_point, uint32_t flags) {
  return guarded([&] {
    if (to->device != from->device) return -EINVAL;
    drm_syncobj_transfer arg = {};
    arg.src_handle = from->handle;
    arg.dst_handle = to->handle;
    arg.src_point = from_point;
    arg.dst_point = to_point;
    arg.flags = flags;
    return to->device->call(DRM_IOCTL_SYNCOBJ_TRANSFER, &arg);
  });
}

int fakegpu_syncobj_eventfd(struct fakegpu_syncobj* syncobj, uint64_t point, uint32_t flags,
                            int eventfd) {
  return guarded([&] {
    ioctl::SyncobjEventfd arg = {syncobj->handle, flags, point, eventfd, 0};
    return syncobj->device->call(ioctl::kSyncobjEventfdCommand, &arg);
  });
}

int fakegpu_sw_sync_open(struct fakegpu_device* dev, int* fd) {
  return guarded([&] {
    const int result = dev->core->transport().open_sw_sync();
    if (result < 0) return result;
    *fd = result;
    return 0;
  });
}

}  // extern "C"
