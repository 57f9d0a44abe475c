// SPDX-License-Identifier: MIT
#include "sync_file_file.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "ioctl/sync_file.h"

namespace fakegpu::drv {

// Passes a signal on to whoever polls, once the lock is released.
class SyncFileFile::Waker final : public fence::Callback {
 public:
  explicit Waker(DeviceLock& lock) : lock_(lock) {}
  void set(base::UniqueFunction<void()> wake) { wake_ = std::move(wake); }
  void fence_signaled(fence::Fence&) override {
    if (wake_) lock_.defer(std::exchange(wake_, nullptr));
  }

 private:
  DeviceLock& lock_;
  base::UniqueFunction<void()> wake_;
};

SyncFileFile::SyncFileFile(Device& device, fence::SyncFileRef sync_file)
    : ObjectFile(device, SYNC_IOC_MAGIC),
      sync_file_(std::move(sync_file)),
      waker_(std::make_unique<Waker>(device.lock())) {}

SyncFileFile::~SyncFileFile() {
  DeviceLock::Guard guard(device().lock());
  waker_.reset();
  sync_file_.reset();
}

short SyncFileFile::poll(base::UniqueFunction<void()> wake) {
  DeviceLock::Guard guard(device().lock());
  if (fence()->is_signaled()) return POLLIN;
  if (!wake) return 0;
  waker_->set(std::move(wake));
  return sync_file_->poll(*waker_) ? POLLIN : 0;
}

std::optional<int> SyncFileFile::serve(ObjectCall& call) {
  switch (call.nr) {
    case _IOC_NR(SYNC_IOC_MERGE):
      return merge(call);
    case _IOC_NR(SYNC_IOC_FILE_INFO):
      return file_info(call);
    case _IOC_NR(ioctl::kSyncIocSetDeadline):
      return set_deadline(call);
    default:
      return -ENOTTY;
  }
}

int SyncFileFile::merge(ObjectCall& call) {
  auto& arg = call.as<sync_merge_data>();
  // The descriptor comes first, as in the kernel.
  if (const int error = reserve_fd(call.request, true)) return error;
  if (arg.flags != 0 || arg.pad != 0) return -EINVAL;
  const TakenFd taken = take_fd(call.request, arg.fd2);
  const auto* other = object_of<SyncFileFile>(taken, device());
  if (other == nullptr) return -ENOENT;
  fence::SyncFileRef merged;
  {
    DeviceLock::Guard guard(device().lock());
    const std::string_view name(arg.name, strnlen(arg.name, sizeof(arg.name) - 1));
    merged = fence::SyncFile::merge(device().contexts(), name, *sync_file_, *other->sync_file_);
  }
  arg.fence = install_sync_file(call.request, device(), std::move(merged));
  return 0;
}

int SyncFileFile::file_info(ObjectCall& call) {
  auto& arg = call.as<sync_file_info>();
  if (arg.flags != 0 || arg.pad != 0) return -EINVAL;
  fence::SyncFile::Info info;
  {
    DeviceLock::Guard guard(device().lock());
    if (const int error = sync_file_->info(arg.num_fences, info)) return error;
  }
  std::vector<struct sync_fence_info> fences(info.fences.size());
  for (size_t i = 0; i < fences.size(); ++i) {
    const fence::SyncFile::FenceInfo& from = info.fences[i];
    std::ranges::copy(from.obj_name, fences[i].obj_name);
    std::ranges::copy(from.driver_name, fences[i].driver_name);
    fences[i].status = from.status;
    fences[i].timestamp_ns = from.timestamp_ns;
  }
  if (!fences.empty() && !call.memory.store(arg.sync_fence_info, std::as_bytes(std::span(fences))))
    return -EFAULT;
  std::ranges::copy(info.name, arg.name);
  arg.status = info.status;
  arg.num_fences = info.num_fences;
  return 0;
}

int SyncFileFile::set_deadline(ObjectCall& call) {
  const auto& arg = call.as<ioctl::SyncSetDeadline>();
  if (arg.pad != 0) return -EINVAL;
  DeviceLock::Guard guard(device().lock());
  sync_file_->set_deadline(
      static_cast<base::Nanos>(std::min<uint64_t>(arg.deadline_ns, INT64_MAX)));
  return 0;
}

int32_t install_sync_file(const Request& request, Device& device, fence::SyncFileRef sync_file) {
  return request.descriptors->install(std::make_unique<SyncFileFile>(device, std::move(sync_file)));
}

}  // namespace fakegpu::drv
