// SPDX-License-Identifier: MIT
// drm_syncobj's ioctls. Order of checks and errnos: drivers/gpu/drm/drm_syncobj.c.
#include <algorithm>

#include "fence/chain.h"
#include "handlers.h"
#include "ioctl/drm_core.h"
#include "ioctl/small_array.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

constexpr uint32_t kWaitAll = 1;
constexpr uint32_t kWaitForSubmit = 2;
constexpr uint32_t kWaitAvailable = 4;
constexpr uint32_t kWaitDeadline = 8;
constexpr uint32_t kQueryLastSubmitted = 1;

// What every transport can carry in one call; the kernel's allocations fail later.
int check_count(uint32_t count) {
  return count > ioctl::kMaxSyncobjArray ? -ENOMEM : 0;
}

int fetch_handles(Call& call, uint64_t address, uint32_t count, std::vector<uint32_t>& handles) {
  return call.fetch(address, count, handles) ? 0 : -EFAULT;
}

int find_all(FileImpl& file, const std::vector<uint32_t>& handles,
             std::vector<fence::SyncobjRef>& syncobjs) {
  syncobjs.reserve(handles.size());
  for (const uint32_t handle : handles) {
    fence::SyncobjRef syncobj = file.syncobjs().find(handle);
    if (!syncobj) return -ENOENT;
    syncobjs.push_back(std::move(syncobj));
  }
  return 0;
}

Outcome create(Call& call) {
  auto& arg = call.as<drm_syncobj_create>();
  FileImpl& file = call.file;
  if (file.syncobjs().size() >= file.device().options().file_objects) return -EMFILE;
  fence::FenceRef fence;
  if (arg.flags & DRM_SYNCOBJ_CREATE_SIGNALED) fence = fence::make_stub(file.device().now());
  arg.handle = file.syncobjs().insert(base::make_ref<fence::Syncobj>(std::move(fence)));
  ++file.device().counts().syncobjs;
  return 0;
}
int check_create(std::span<const std::byte> arg) {
  return view<drm_syncobj_create>(arg).flags & ~DRM_SYNCOBJ_CREATE_SIGNALED ? -EINVAL : 0;
}

Outcome destroy(Call& call) {
  const auto& arg = call.as<drm_syncobj_destroy>();
  FileImpl& file = call.file;
  if (!file.syncobjs().remove(arg.handle)) return -EINVAL;
  --file.device().counts().syncobjs;
  return 0;
}
int check_destroy(std::span<const std::byte> arg) {
  return view<drm_syncobj_destroy>(arg).pad ? -EINVAL : 0;
}

// RESET and SIGNAL: `make` gives each box's new fence.
template <typename Make>
Outcome replace_all(Call& call, Make make) {
  const auto& arg = call.as<drm_syncobj_array>();
  std::vector<uint32_t> handles;
  if (const int error = fetch_handles(call, arg.handles, arg.count_handles, handles)) return error;
  return under_lock(call, [&]() -> Outcome {
    std::vector<fence::SyncobjRef> syncobjs;
    if (const int error = find_all(call.file, handles, syncobjs)) return error;
    for (const fence::SyncobjRef& syncobj : syncobjs) syncobj->replace(make());
    return 0;
  });
}

Outcome reset(Call& call) {
  return replace_all(call, [] { return fence::FenceRef(); });
}

Outcome signal(Call& call) {
  return replace_all(call, [&call] { return fence::make_stub(call.file.device().now()); });
}
int check_array(std::span<const std::byte> arg) {
  const auto& array = view<drm_syncobj_array>(arg);
  if (array.pad != 0 || array.count_handles == 0) return -EINVAL;
  return check_count(array.count_handles);
}

Outcome timeline_signal(Call& call) {
  const auto& arg = call.as<drm_syncobj_timeline_array>();
  std::vector<uint32_t> handles;
  if (const int error = fetch_handles(call, arg.handles, arg.count_handles, handles)) return error;
  std::vector<uint64_t> points(handles.size());
  const bool readable = arg.points == 0 || call.fetch(arg.points, handles.size(), points);

  return under_lock(call, [&]() -> Outcome {
    std::vector<fence::SyncobjRef> syncobjs;
    if (const int error = find_all(call.file, handles, syncobjs)) return error;
    if (!readable) return -EFAULT;
    Device& device = call.file.device();
    for (size_t i = 0; i < syncobjs.size(); ++i)
      syncobjs[i]->add_point(device.contexts(), fence::make_stub(device.now()), points[i]);
    return 0;
  });
}
int check_timeline_signal(std::span<const std::byte> arg) {
  const auto& array = view<drm_syncobj_timeline_array>(arg);
  if (array.flags != 0 || array.count_handles == 0) return -EINVAL;
  return check_count(array.count_handles);
}

Outcome query(Call& call) {
  const auto& arg = call.as<drm_syncobj_timeline_array>();
  std::vector<uint32_t> handles;
  if (const int error = fetch_handles(call, arg.handles, arg.count_handles, handles)) return error;
  std::vector<uint64_t> points;
  const Outcome found = under_lock(call, [&]() -> Outcome {
    std::vector<fence::SyncobjRef> syncobjs;
    if (const int error = find_all(call.file, handles, syncobjs)) return error;
    for (const fence::SyncobjRef& syncobj : syncobjs) {
      const fence::FenceRef& head = syncobj->fence();
      if (!fence::Chain::from(head.get())) {
        points.push_back(0);
      } else if (arg.flags & kQueryLastSubmitted) {
        points.push_back(head->seqno());
      } else {
        points.push_back(fence::Chain::last_signaled(head));
      }
    }
    return 0;
  });
  if (*found != 0) return found;
  return call.memory.store(arg.points, std::as_bytes(std::span(points))) ? 0 : -EFAULT;
}
int check_query(std::span<const std::byte> arg) {
  const auto& array = view<drm_syncobj_timeline_array>(arg);
  if ((array.flags & ~kQueryLastSubmitted) || array.count_handles == 0) return -EINVAL;
  return check_count(array.count_handles);
}

// Both waits. `points`: of a timeline wait, as fetched; empty: all zero.
struct WaitArguments {
  uint64_t handles;
  uint64_t points;
  uint32_t count;
  uint32_t flags;
  int64_t timeout;
  uint64_t deadline;
  uint32_t* first_signaled;
};

using Targets = ioctl::SmallArray<fence::SyncobjWait::Target>;

int find_targets(FileImpl& file, const ioctl::SmallArray<uint32_t>& handles,
                 const ioctl::SmallArray<uint64_t>& points, Targets& targets) {
  for (size_t i = 0; i < handles.size(); ++i) {
    const fence::SyncobjRef* syncobj = file.syncobjs().look(handles[i]);
    if (!syncobj) return -ENOENT;
    targets[i] = {syncobj->get(), points[i]};
  }
  return 0;
}

// What has no answer yet, under the lock.
Outcome start_wait(Call& call, const WaitArguments& arg, fence::WaitFlags flags,
                   const Targets& targets) {
  FileImpl& file = call.file;
  Device& device = file.device();
  std::vector<fence::SyncobjWait::Entry> entries;
  entries.reserve(targets.size());
  for (size_t i = 0; i < targets.size(); ++i)
    entries.push_back({fence::SyncobjRef(targets[i].syncobj), targets[i].point});
  // 1 for 0, which stands for none: the kernel passes a deadline of 0 on, too.
  const auto deadline =
      arg.flags & kWaitDeadline
          ? static_cast<base::Nanos>(std::clamp<uint64_t>(arg.deadline, 1, INT64_MAX))
          : 0;
  auto wait = std::make_unique<fence::SyncobjWait>(std::move(entries), flags, deadline);
  const base::Nanos now = device.now();
  if (const auto answer = wait->start(now, file.wait_done(call.request.id))) {
    if (answer->result == 0) *arg.first_signaled = answer->first_signaled;
    return answer->result;
  }
  if (arg.timeout <= now) return -ETIME;
  if (!file.may_wait()) return -ENOMEM;
  file.suspend(
      {call.request.id,
       {call.arg.begin(), call.arg.end()},
       static_cast<size_t>(reinterpret_cast<std::byte*>(arg.first_signaled) - call.arg.data()),
       arg.timeout,
       std::move(call.reply),
       std::move(wait)});
  return std::nullopt;
}

Outcome wait_any_or_all(Call& call, const WaitArguments& arg) {
  if (arg.count == 0) return 0;
  ioctl::SmallArray<uint32_t> handles(arg.count);
  if (!call.memory.fetch(arg.handles, handles.bytes())) return -EFAULT;
  ioctl::SmallArray<uint64_t> points(arg.count);
  const bool readable = arg.points == 0 || call.memory.fetch(arg.points, points.bytes());
  fence::WaitFlags flags;
  flags.all = (arg.flags & kWaitAll) != 0;
  flags.for_submit = (arg.flags & kWaitForSubmit) != 0;
  flags.available = (arg.flags & kWaitAvailable) != 0;

  return under_lock(call, [&]() -> Outcome {
    Targets targets(arg.count);
    if (const int error = find_targets(call.file, handles, points, targets)) return error;
    if (!readable) return -EFAULT;
    // Mostly the answer is there, and nothing has to be made for it.
    const auto answer = fence::SyncobjWait::look({targets.data(), targets.size()}, flags);
    if (!answer) return start_wait(call, arg, flags, targets);
    if (answer->result == 0) *arg.first_signaled = answer->first_signaled;
    return answer->result;
  });
}

Outcome wait(Call& call) {
  auto& arg = call.as<ioctl::SyncobjWait>();
  return wait_any_or_all(call, {arg.handles, 0, arg.count_handles, arg.flags, arg.timeout_nsec,
                                arg.deadline_nsec, &arg.first_signaled});
}
int check_wait(std::span<const std::byte> arg) {
  constexpr uint32_t kKnown = kWaitAll | kWaitForSubmit | kWaitDeadline;
  const auto& wait = view<ioctl::SyncobjWait>(arg);
  return wait.flags & ~kKnown ? -EINVAL : check_count(wait.count_handles);
}

Outcome timeline_wait(Call& call) {
  auto& arg = call.as<ioctl::SyncobjTimelineWait>();
  return wait_any_or_all(call, {arg.handles, arg.points, arg.count_handles, arg.flags,
                                arg.timeout_nsec, arg.deadline_nsec, &arg.first_signaled});
}
int check_timeline_wait(std::span<const std::byte> arg) {
  constexpr uint32_t kKnown = kWaitAll | kWaitForSubmit | kWaitAvailable | kWaitDeadline;
  const auto& wait = view<ioctl::SyncobjTimelineWait>(arg);
  return wait.flags & ~kKnown ? -EINVAL : check_count(wait.count_handles);
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE), locked<create>, check_create, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_DESTROY), locked<destroy>, check_destroy, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT), wait, check_wait, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_RESET), reset, check_array, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_SIGNAL), signal, check_array, kFeatureSyncobj},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT), timeline_wait, check_timeline_wait,
     kFeatureTimeline},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_QUERY), query, check_query, kFeatureTimeline},
    {_IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL), timeline_signal, check_timeline_signal,
     kFeatureTimeline},
};

}  // namespace

std::span<const HandlerRow> syncobj_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
