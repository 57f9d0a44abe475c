// SPDX-License-Identifier: MIT
#include "sw_sync_file.h"

#include "ioctl/sync_file.h"
#include "sync_file_file.h"

namespace fakegpu::drv {

SwSyncFile::SwSyncFile(Device& device, std::string_view name)
    : ObjectFile(device, ioctl::kSwSyncMagic) {
  DeviceLock::Guard guard(device.lock());
  timeline_ = base::make_ref<fence::SwTimeline>(device.contexts(), name);
}

SwSyncFile::~SwSyncFile() {
  DeviceLock::Guard guard(device().lock());
  timeline_->close(device().now());
  timeline_.reset();
}

std::optional<int> SwSyncFile::serve(ObjectCall& call) {
  switch (call.nr) {
    case _IOC_NR(ioctl::kSwSyncIocCreateFence):
      return create_fence(call);
    case _IOC_NR(ioctl::kSwSyncIocInc):
      return inc(call);
    case _IOC_NR(ioctl::kSwSyncGetDeadline):
      return get_deadline(call);
    default:
      return -ENOTTY;
  }
}

int SwSyncFile::create_fence(ObjectCall& call) {
  auto& arg = call.as<ioctl::SwSyncCreateFence>();
  if (const int error = reserve_fd(call.request, true)) return error;
  fence::SyncFileRef sync_file;
  {
    DeviceLock::Guard guard(device().lock());
    sync_file = base::make_ref<fence::SyncFile>(timeline_->create_fence(arg.value, device().now()));
  }
  arg.fence = install_sync_file(call.request, device(), std::move(sync_file));
  return 0;
}

int SwSyncFile::inc(ObjectCall& call) {
  DeviceLock::Guard guard(device().lock());
  timeline_->inc(call.as<ioctl::SwSyncInc>().value, device().now());
  return 0;
}

int SwSyncFile::get_deadline(ObjectCall& call) {
  auto& arg = call.as<ioctl::SwSyncGetDeadline>();
  if (arg.deadline_ns != 0 || arg.pad != 0) return -EINVAL;
  const TakenFd taken = take_fd(call.request, arg.fence_fd);
  const auto* file = object_of<SyncFileFile>(taken, device());
  if (file == nullptr) return -EINVAL;
  DeviceLock::Guard guard(device().lock());
  base::Nanos deadline = 0;
  const int result = fence::SwTimeline::deadline(*file->fence(), deadline);
  arg.deadline_ns = static_cast<uint64_t>(deadline);
  return result;
}

}  // namespace fakegpu::drv
