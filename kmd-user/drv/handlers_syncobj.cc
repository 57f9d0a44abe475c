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

// Entries of a wait, of 64 bytes in the kernel, which gets 4 MiB from kmalloc(). It allocates them
// when it has looked the handles up.
constexpr uint32_t kMaxWaitEntries = 65536;
// What is done to syncobjs in one hold of the device lock. The kernel takes no lock over the whole
// array either: others may see a call half done.
constexpr size_t kPerHold = 4096;

int check_count(uint32_t count) {
  return count > ioctl::kMaxSyncobjArray ? -ENOMEM : 0;
}

using Handles = ioctl::SmallArray<uint32_t>;
using Points = ioctl::SmallArray<uint64_t>;

int find_all(FileImpl& file, const Handles& handles, std::vector<fence::SyncobjRef>& syncobjs) {
  for (size_t i = 0; i < handles.size(); ++i) {
    fence::SyncobjRef syncobj = file.syncobjs().find(handles[i]);
    if (!syncobj) return -ENOENT;
    syncobjs.push_back(std::move(syncobj));
  }
  return 0;
}

Outcome create(Call& call) {
  auto& arg = call.as<drm_syncobj_create>();
  FileImpl& file = call.file;
  if (file.syncobjs().size() >= file.device().options().file_objects) return -EMFILE;
  if (out_of_memory(file)) return -ENOMEM;
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

// Looks all handles up, and only then, if `after` is 0, does each(syncobj, index) for all of them.
template <typename Each>
int for_all(Call& call, const Handles& handles, int after, Each each) {
  std::vector<fence::SyncobjRef> syncobjs;
  syncobjs.reserve(handles.size());
  Device& device = call.file.device();
  const auto some = [&](size_t begin, size_t end) {
    if (device.unplugged()) return -ENODEV;
    if (begin == 0) {
      if (const int error = find_all(call.file, handles, syncobjs)) return error;
      if (after != 0) return after;
    }
    for (size_t i = begin; i < end; ++i) each(*syncobjs[i], i);
    return 0;
  };
  for (size_t begin = 0;; begin += kPerHold) {
    const size_t end = std::min(begin + kPerHold, handles.size());
    DeviceLock::Guard guard(device.lock());
    const int result = some(begin, end);
    if (result == 0 && end < handles.size()) continue;
    // What was destroyed meanwhile goes under the lock.
    syncobjs.clear();
    return result;
  }
}

// RESET and SIGNAL: `make` gives each box's new fence.
template <typename Make>
Outcome replace_all(Call& call, Make make) {
  const auto& arg = call.as<drm_syncobj_array>();
  Handles handles(arg.count_handles);
  if (!call.memory.fetch(arg.handles, handles.bytes())) return -EFAULT;
  return for_all(call, handles, 0,
                 [&make](fence::Syncobj& syncobj, size_t) { syncobj.replace(make()); });
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
  Handles handles(arg.count_handles);
  if (!call.memory.fetch(arg.handles, handles.bytes())) return -EFAULT;
  Points points(handles.size());
  const bool readable = arg.points == 0 || call.memory.fetch(arg.points, points.bytes());
  Device& device = call.file.device();
  return for_all(call, handles, readable ? 0 : -EFAULT, [&](fence::Syncobj& syncobj, size_t i) {
    syncobj.add_point(device.contexts(), fence::make_stub(device.now()), points[i]);
  });
}
int check_timeline_signal(std::span<const std::byte> arg) {
  const auto& array = view<drm_syncobj_timeline_array>(arg);
  if (array.flags != 0 || array.count_handles == 0) return -EINVAL;
  return check_count(array.count_handles);
}

Outcome query(Call& call) {
  const auto& arg = call.as<drm_syncobj_timeline_array>();
  Handles handles(arg.count_handles);
  if (!call.memory.fetch(arg.handles, handles.bytes())) return -EFAULT;
  Points points(handles.size());
  const bool last_submitted = (arg.flags & kQueryLastSubmitted) != 0;
  const int error = for_all(call, handles, 0, [&](const fence::Syncobj& syncobj, size_t i) {
    const fence::FenceRef& head = syncobj.fence();
    if (!fence::Chain::from(head.get())) return;
    points[i] = last_submitted ? head->seqno() : fence::Chain::last_signaled(head);
  });
  if (error != 0) return error;
  return call.memory.store(arg.points, points.bytes()) ? 0 : -EFAULT;
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

int find_targets(FileImpl& file, const Handles& handles, const Points& points, Targets& targets) {
  for (size_t i = 0; i < handles.size(); ++i) {
    const fence::SyncobjRef* syncobj = file.syncobjs().look(handles[i]);
    if (!syncobj) return -ENOENT;
    targets[i] = {syncobj->get(), points[i]};
  }
  return 0;
}

// What has no answer yet, under the lock.
Outcome start_wait(Call& call, const WaitArguments& arg, const fence::WaitFlags& flags,
                   const Targets& targets) {
  FileImpl& file = call.file;
  Device& device = file.device();
  const base::Nanos now = device.now();
  if (arg.timeout > now && !file.may_wait(targets.size())) return -ENOMEM;
  // 1 for 0, which stands for none: the kernel passes a deadline of 0 on, too.
  const auto deadline =
      arg.flags & kWaitDeadline
          ? static_cast<base::Nanos>(std::clamp<uint64_t>(arg.deadline, 1, INT64_MAX))
          : 0;
  auto wait = std::make_unique<fence::SyncobjWait>(std::span(targets.data(), targets.size()), flags,
                                                   deadline);
  if (const auto answer = wait->start(now, file.wait_done(call.request.id))) {
    if (answer->result == 0) *arg.first_signaled = answer->first_signaled;
    return answer->result;
  }
  if (arg.timeout <= now) return -ETIME;
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
  Handles handles(arg.count);
  if (!call.memory.fetch(arg.handles, handles.bytes())) return -EFAULT;
  Points points(arg.count);
  const bool readable = arg.points == 0 || call.memory.fetch(arg.points, points.bytes());
  fence::WaitFlags flags;
  flags.all = (arg.flags & kWaitAll) != 0;
  flags.for_submit = (arg.flags & kWaitForSubmit) != 0;
  flags.available = (arg.flags & kWaitAvailable) != 0;

  return under_lock(call, [&]() -> Outcome {
    Targets targets(arg.count);
    if (const int error = find_targets(call.file, handles, points, targets)) return error;
    if (!readable) return -EFAULT;
    if (arg.count > kMaxWaitEntries) return -ENOMEM;
    // Mostly the answer is there, and nothing has to be made for it.
    fence::SyncobjWait::Answer answer;
    if (!fence::SyncobjWait::look({targets.data(), targets.size()}, flags, answer))
      return start_wait(call, arg, flags, targets);
    if (answer.result == 0) *arg.first_signaled = answer.first_signaled;
    return answer.result;
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
