// SPDX-License-Identifier: MIT
// drm_syncobj's ioctls that take fences out of one box, file or descriptor and put them into
// another. Order of checks and errnos: drivers/gpu/drm/drm_syncobj.c.
#include <utility>

#include "base/eventfd.h"
#include "fence/syncobj_event.h"
#include "fence/unwrap.h"
#include "handlers.h"
#include "ioctl/drm_core.h"
#include "object_file.h"
#include "sync_file_file.h"
#include "syncobj_file.h"

namespace fakegpu::drv {

namespace {

// How long TRANSFER with WAIT_FOR_SUBMIT waits for its source.
constexpr base::Nanos kSubmitPatience = 5 * base::kNanosPerSecond;

uint64_t point_of(const ioctl::SyncobjHandle& arg) {
  return arg.flags & ioctl::kSyncobjFdTimeline ? arg.point : 0;
}

void put(Device& device, fence::Syncobj& syncobj, fence::FenceRef fence, uint64_t point) {
  if (point == 0) {
    syncobj.replace(std::move(fence));
  } else {
    syncobj.add_point(device.contexts(), std::move(fence), point);
  }
}

// --- HANDLE_TO_FD and FD_TO_HANDLE ---------------------------------------------------------------

Outcome export_sync_file(Call& call) {
  auto& arg = call.as<ioctl::SyncobjHandle>();
  Device& device = call.file.device();
  // The descriptor comes before the look-up here, and after it below, as in the kernel.
  if (const int error = reserve_fd(call.request, true)) return error;
  fence::SyncFileRef sync_file;
  const Outcome found = under_lock(call, [&]() -> Outcome {
    const fence::SyncobjRef syncobj = call.file.syncobjs().find(arg.handle);
    if (!syncobj) return -ENOENT;
    fence::FenceRef fence;
    if (const int error = syncobj->find(point_of(arg), device.now(), fence)) return error;
    sync_file = base::make_ref<fence::SyncFile>(std::move(fence));
    return 0;
  });
  if (*found != 0) return found;
  arg.fd = install_sync_file(call.request, device, std::move(sync_file));
  return 0;
}

Outcome handle_to_fd(Call& call) {
  auto& arg = call.as<ioctl::SyncobjHandle>();
  if (arg.flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE) return export_sync_file(call);
  if (point_of(arg) != 0) return -EINVAL;
  Device& device = call.file.device();
  fence::SyncobjRef syncobj;
  const Outcome found = under_lock(call, [&] {
    syncobj = call.file.syncobjs().find(arg.handle);
    return syncobj ? 0 : -EINVAL;
  });
  if (*found != 0) return found;
  auto file = std::make_unique<SyncobjFile>(device, std::move(syncobj));
  if (const int error = reserve_fd(call.request, true)) return error;
  arg.fd = call.request.descriptors->install(std::move(file));
  return 0;
}

Outcome import_sync_file(Call& call) {
  const auto& arg = call.as<ioctl::SyncobjHandle>();
  Device& device = call.file.device();
  const TakenFd taken = take_fd(call.request, arg.fd);
  const auto* file = object_of<SyncFileFile>(taken, device);
  if (file == nullptr) return -EINVAL;
  return under_lock(call, [&]() -> Outcome {
    const fence::SyncobjRef syncobj = call.file.syncobjs().find(arg.handle);
    if (!syncobj) return -ENOENT;
    put(device, *syncobj, file->fence(), point_of(arg));
    return 0;
  });
}

Outcome fd_to_handle(Call& call) {
  auto& arg = call.as<ioctl::SyncobjHandle>();
  if (arg.flags & DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE) return import_sync_file(call);
  if (point_of(arg) != 0) return -EINVAL;
  Device& device = call.file.device();
  const TakenFd taken = take_fd(call.request, arg.fd);
  const auto* file = object_of<SyncobjFile>(taken, device);
  if (file == nullptr) return -EINVAL;
  return under_lock(call, [&]() -> Outcome {
    if (call.file.syncobjs().size() >= device.options().file_objects) return -EMFILE;
    arg.handle = call.file.syncobjs().insert(file->syncobj());
    ++device.counts().syncobjs;
    return 0;
  });
}

int check_handle_to_fd(std::span<const std::byte> arg) {
  constexpr uint32_t kKnown =
      DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE | ioctl::kSyncobjFdTimeline;
  const auto& handle = view<ioctl::SyncobjHandle>(arg);
  return handle.pad != 0 || handle.flags & ~kKnown ? -EINVAL : 0;
}
int check_fd_to_handle(std::span<const std::byte> arg) {
  constexpr uint32_t kKnown =
      DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE | ioctl::kSyncobjFdTimeline;
  const auto& handle = view<ioctl::SyncobjHandle>(arg);
  return handle.pad != 0 || handle.flags & ~kKnown ? -EINVAL : 0;
}

// --- TRANSFER ------------------------------------------------------------------------------------

struct Transfer {
  fence::SyncobjRef from;
  uint64_t from_point;
  fence::SyncobjRef to;
  uint64_t to_point;

  // -EINVAL: the source has no such point.
  int run(Device& device) const {
    fence::FenceRef fence;
    if (const int error = from->find(from_point, device.now(), fence)) return error;
    put(device, *to, std::move(fence), to_point);
    return 0;
  }
};

// Until the source has the point, at most kSubmitPatience.
Outcome transfer_later(Call& call, Transfer transfer) {
  FileImpl& file = call.file;
  Device& device = file.device();
  if (!file.may_wait()) return -ENOMEM;
  std::vector<fence::SyncobjWait::Entry> entries{{transfer.from, transfer.from_point}};
  auto wait = std::make_unique<fence::SyncobjWait>(
      std::move(entries), fence::WaitFlags{.for_submit = true, .available = true}, 0);
  const uint64_t id = call.request.id;
  auto done = [&file, &device, id, transfer = std::move(transfer)](fence::SyncobjWait::Answer) {
    file.finish(id, transfer.run(device));
  };
  const auto answer = wait->start(device.now(), std::move(done));
  if (answer) return answer->result;
  file.suspend({id,
                {call.arg.begin(), call.arg.end()},
                std::nullopt,
                device.now() + kSubmitPatience,
                std::move(call.reply),
                std::move(wait)});
  return std::nullopt;
}

Outcome transfer(Call& call) {
  const auto& arg = call.as<drm_syncobj_transfer>();
  FileImpl& file = call.file;
  Device& device = file.device();
  Transfer transfer = {.from_point = arg.src_point, .to_point = arg.dst_point};
  transfer.to = file.syncobjs().find(arg.dst_handle);
  if (!transfer.to) return -ENOENT;
  transfer.from = file.syncobjs().find(arg.src_handle);
  if (!transfer.from) return -ENOENT;
  if (arg.flags & ~DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT) return -EINVAL;
  const int result = transfer.run(device);
  if (result != -EINVAL || !(arg.flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT)) return result;
  return transfer_later(call, std::move(transfer));
}
int check_transfer(std::span<const std::byte> arg) {
  return view<drm_syncobj_transfer>(arg).pad != 0 ? -EINVAL : 0;
}

// --- EVENTFD -------------------------------------------------------------------------------------

// A registration counts against its file until it has fired or can no longer.
class Registration {
 public:
  Registration(DeviceLock& lock, base::Ref<EventfdCount> count, base::EventFd eventfd)
      : lock_(&lock), count_(std::move(count)), eventfd_(std::move(eventfd)) {
    ++count_->live;
  }
  Registration(Registration&&) = default;
  ~Registration() {
    if (count_) --count_->live;
  }
  void operator()() {
    lock_->defer([eventfd = std::move(eventfd_)] { eventfd.signal(); });
  }

 private:
  DeviceLock* lock_;
  base::Ref<EventfdCount> count_;
  base::EventFd eventfd_;
};

Outcome eventfd(Call& call) {
  const auto& arg = call.as<ioctl::SyncobjEventfd>();
  FileImpl& file = call.file;
  Device& device = file.device();
  const fence::SyncobjRef syncobj = file.syncobjs().find(arg.handle);
  if (!syncobj) return -ENOENT;
  TakenFd taken = take_fd(call.request, arg.fd);
  if (taken.error != 0) return taken.error;
  if (taken.file != nullptr) return -EINVAL;
  auto target = base::EventFd::adopt(std::move(taken.foreign));
  if (!target) return target.error().negated();
  if (file.eventfds()->live >= device.options().file_waits) return -ENOMEM;
  fence::SyncobjEvent::watch(*syncobj, arg.point,
                             (arg.flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE) != 0,
                             Registration(device.lock(), file.eventfds(), std::move(*target)));
  return 0;
}
int check_eventfd(std::span<const std::byte> arg) {
  const auto& event = view<ioctl::SyncobjEventfd>(arg);
  return event.flags & ~DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE || event.pad != 0 ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD), handle_to_fd, check_handle_to_fd, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE), fd_to_handle, check_fd_to_handle, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_TRANSFER), locked<transfer>, check_transfer, kFeatureTimeline},
    {_IOC_NR(ioctl::kSyncobjEventfdCommand), locked<eventfd>, check_eventfd, kFeatureTimeline},
};

}  // namespace

std::span<const HandlerRow> syncobj_fd_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
