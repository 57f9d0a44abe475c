// SPDX-License-Identifier: MIT
// Submission in two halves (amdgpu_cs): everything that can fail, then nothing that can.
#include <algorithm>

#include "bo_uses.h"
#include "handlers.h"
#include "ioctl/table.h"
#include "mm/address_space.h"
#include "packets/pm4.h"

namespace fakegpu::drv {

namespace {

// Where a finished fence goes.
struct OutSync {
  fence::SyncobjRef syncobj;
  uint64_t point;
};

bool valid_ib(const drm_fakegpu_ib& ib, const Ring& ring) {
  const bool sdma = ring.info().type == DRM_FAKEGPU_RING_SDMA;
  if (ib.flags & ~DRM_FAKEGPU_IB_PREEMPT) return false;
  if (ib.dwords == 0 || ib.dwords > packets::pm4::IndirectBuffer::kMaxDwords) return false;
  if (ib.va % (sdma ? 32 : 4) != 0 || (sdma && ib.dwords % 8 != 0)) return false;
  return ib.va >= mm::kVaStart && ib.va < mm::kVaEnd &&
         mm::kVaEnd - ib.va >= uint64_t{4} * ib.dwords;
}

// The first half. Fills `dependencies` and `outs`.
int look_up(FileImpl& file, const SubmitArguments& arguments,
            std::vector<fence::FenceRef>& dependencies, std::vector<OutSync>& outs) {
  const base::Nanos now = file.device().now();
  for (const drm_fakegpu_sync& in : arguments.in_syncs) {
    if (in.pad) return -EINVAL;
    const fence::SyncobjRef syncobj = file.syncobjs().find(in.handle);
    if (!syncobj) return -ENOENT;
    fence::FenceRef fence;
    if (const int error = syncobj->find(in.point, now, fence)) return error;
    if (!fence->test_signaled()) dependencies.push_back(std::move(fence));
  }
  for (const drm_fakegpu_sync& out : arguments.out_syncs) {
    if (out.pad) return -EINVAL;
    fence::SyncobjRef syncobj = file.syncobjs().find(out.handle);
    if (!syncobj) return -ENOENT;
    outs.push_back({std::move(syncobj), out.point});
  }
  return 0;
}

// The second half: from arm on the job must run.
void commit(Device& device, const base::Ref<SubmitJob>& job, const std::vector<OutSync>& outs,
            const BoUses& bos) {
  job->arm();
  job->report_progress();
  job->context().vm()->add_job(job->finished());
  for (const OutSync& out : outs) {
    if (out.point == 0) {
      out.syncobj->replace(job->finished());
    } else {
      out.syncobj->add_point(device.contexts(), job->finished(), out.point);
    }
  }
  bos.publish(job->finished());
  job->push(device.now());
}

// A driver without syncobjs takes none; without timelines, none with a point (nouveau_sched.c).
bool can_sync(const Device& device, const std::vector<drm_fakegpu_sync>& syncs) {
  if (syncs.empty() || device.has(kFeatureTimeline)) return true;
  return device.has(kFeatureSyncobj) &&
         std::ranges::all_of(syncs, [](const drm_fakegpu_sync& sync) { return sync.point == 0; });
}

bool has_room(FileImpl& file, const Context& context, unsigned ring) {
  const Options& options = file.device().options();
  return file.jobs()->live < options.file_jobs && context.queued(ring) < options.entity_jobs;
}

// However much room there is.
bool is_refused(Device& device, const Context& context, unsigned ring) {
  return context.refusal(ring, device.recovery().counts()) != 0 || !device.rings()[ring]->ready();
}

// The first half, and then the second. `room`: there is some, and nobody waits who came earlier.
int run_submit(FileImpl& file, ContextRef context, drm_fakegpu_submit& arg,
               SubmitArguments& arguments, bool room) {
  Device& device = file.device();
  Ring& ring = *device.rings()[arg.ring];
  std::vector<fence::FenceRef> dependencies;
  std::vector<OutSync> outs;
  if (const int error = look_up(file, arguments, dependencies, outs)) return error;
  BoUses bos;
  if (const int error = bos.look_up(file.bos(), arguments.bos)) return error;
  if (const int refusal = context->refusal(arg.ring, device.recovery().counts())) return refusal;
  if (!ring.ready()) return -ENODEV;
  if (!room) return -EAGAIN;
  auto entity = context->entity(arg.ring, ring.scheduler());
  if (!entity) return entity.error().negated();
  const bool event = (arg.flags & DRM_FAKEGPU_SUBMIT_EVENT) != 0;
  if (event && !file.events()->reserve()) return -ENOMEM;

  bos.depend(dependencies);
  bos.reserve();
  auto job = base::make_ref<SubmitJob>(**entity, std::move(context), arg.ring, file.jobs(),
                                       std::move(arguments.task), std::move(arguments.ibs));
  for (fence::FenceRef& dependency : dependencies) job->add_dependency(std::move(dependency));
  if (event) {
    drm_fakegpu_event_fence fence = {};
    fence.base = {DRM_FAKEGPU_EVENT_FENCE, sizeof(fence)};
    fence.user_data = arg.user_data;
    fence.ctx_id = arg.ctx_id;
    fence.ring = arg.ring;
    job->set_event(file.events(), fence);
  }
  commit(device, job, outs, bos);
  arg.seqno = job->finished()->seqno();
  return 0;
}

Outcome submit_locked(Call& call, SubmitArguments& arguments) {
  auto& arg = call.as<drm_fakegpu_submit>();
  FileImpl& file = call.file;
  Device& device = file.device();
  ContextRef context = file.contexts().find(arg.ctx_id);
  if (!context) return -ENOENT;
  if (arg.ring >= device.rings().size()) return -EINVAL;
  const Ring& ring = *device.rings()[arg.ring];
  for (const drm_fakegpu_ib& ib : arguments.ibs)
    if (!valid_ib(ib, ring)) return -EINVAL;
  SubmitQueue& queue = context->submit_queue(arg.ring);
  const bool room = queue.empty() && has_room(file, *context, arg.ring);
  if (room || !(arg.flags & DRM_FAKEGPU_SUBMIT_WAIT) || is_refused(device, *context, arg.ring))
    return run_submit(file, std::move(context), arg, arguments, room);
  if (!file.may_wait()) return -ENOMEM;
  const uint64_t id = call.request.id;
  file.suspend({id,
                {call.arg.begin(), call.arg.end()},
                std::nullopt,
                INT64_MAX,
                std::move(call.reply),
                std::make_unique<WaitingSubmit>(file, id, arg, std::move(arguments), queue,
                                                device.full_queues())});
  return std::nullopt;
}

Outcome submit(Call& call) {
  const auto& arg = call.as<drm_fakegpu_submit>();
  SubmitArguments arguments;
  if (!call.fetch(arg.ibs, arg.ib_count, arguments.ibs) ||
      !call.fetch(arg.in_syncs, arg.in_sync_count, arguments.in_syncs) ||
      !call.fetch(arg.out_syncs, arg.out_sync_count, arguments.out_syncs) ||
      !call.fetch(arg.bos, arg.bo_count, arguments.bos))
    return -EFAULT;
  const Device& device = call.file.device();
  if (!can_sync(device, arguments.in_syncs) || !can_sync(device, arguments.out_syncs))
    return -EOPNOTSUPP;
  arguments.task = call.file.task_of(call.request.caller);
  return under_lock(call, [&] { return submit_locked(call, arguments); });
}

int check_submit(std::span<const std::byte> arg) {
  const auto& submit = *reinterpret_cast<const drm_fakegpu_submit*>(arg.data());
  const bool bounded =
      submit.ib_count <= Ring::kMaxIbs && submit.in_sync_count <= ioctl::kMaxSubmitSyncobjs &&
      submit.out_sync_count <= ioctl::kMaxSubmitSyncobjs && submit.bo_count <= ioctl::kMaxSubmitBos;
  const uint32_t unknown = submit.flags & ~(DRM_FAKEGPU_SUBMIT_EVENT | DRM_FAKEGPU_SUBMIT_WAIT);
  return bounded && submit.pad == 0 && unknown == 0 ? 0 : -EINVAL;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_SUBMIT), submit, check_submit},
};

}  // namespace

bool submit_waiting(SubmitQueue& queue) {
  bool any = false;
  while (WaitingSubmit* wait = queue.front()) {
    FileImpl& file = wait->file();
    drm_fakegpu_submit& arg = wait->arg();
    const ContextRef context = file.contexts().find(arg.ctx_id);
    if (!is_refused(file.device(), *context, arg.ring) && !has_room(file, *context, arg.ring))
      break;
    const int result = run_submit(file, context, arg, wait->arguments(), true);
    if (result == 0)
      file.finish_submit(wait->id(), arg.seqno);
    else
      file.finish(wait->id(), result);
    any = true;
  }
  return any;
}

std::span<const HandlerRow> submit_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
