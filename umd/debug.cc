// SPDX-License-Identifier: MIT
#include <fakegpu/debug.h>

#include "device.h"
#include "syncobj.h"

using namespace fakegpu::umd;

namespace {

int explain(Device& device, drm_fakegpu_explain arg, char* text, uint32_t* size) {
  arg.data = reinterpret_cast<uintptr_t>(text);
  arg.size = *size;
  const int result = device.call(DRM_IOCTL_FAKEGPU_EXPLAIN, &arg, Pointers::kChecked);
  if (result == 0) *size = arg.size;
  return result;
}

}  // namespace

extern "C" {

int fakegpu_explain_syncobj(const struct fakegpu_syncobj* syncobj, uint64_t point, char* text,
                            uint32_t* size) {
  drm_fakegpu_explain arg = {};
  arg.what = DRM_FAKEGPU_EXPLAIN_SYNCOBJ;
  arg.handle = syncobj->handle;
  arg.point = point;
  return explain(*syncobj->device, arg, text, size);
}

int fakegpu_explain_client(struct fakegpu_device* dev, uint64_t client, char* text,
                           uint32_t* size) {
  drm_fakegpu_explain arg = {};
  arg.what = client == FAKEGPU_ALL_CLIENTS ? DRM_FAKEGPU_EXPLAIN_ALL : DRM_FAKEGPU_EXPLAIN_CLIENT;
  arg.point = client == FAKEGPU_ALL_CLIENTS ? 0 : client;
  return explain(*dev->core, arg, text, size);
}

int fakegpu_read_coredump(struct fakegpu_device* dev, uint32_t flags, uint64_t offset, void* data,
                          uint32_t* size, uint64_t* total) {
  drm_fakegpu_coredump arg = {};
  arg.data = reinterpret_cast<uintptr_t>(data);
  arg.size = *size;
  arg.flags = flags;
  arg.offset = offset;
  const int result = dev->core->call(DRM_IOCTL_FAKEGPU_COREDUMP, &arg, Pointers::kChecked);
  if (result != 0) return result;
  *size = arg.size;
  *total = arg.total;
  return 0;
}

}  // extern "C"
