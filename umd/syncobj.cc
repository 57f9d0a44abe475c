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

}  // extern "C"
