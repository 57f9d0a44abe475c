// SPDX-License-Identifier: MIT
// Contexts, and the wait for their jobs.
#include "handlers.h"

namespace fakegpu::drv {

namespace {

bool known_priority(int32_t priority) {
  return priority >= DRM_FAKEGPU_PRIORITY_LOW && priority <= DRM_FAKEGPU_PRIORITY_HIGH;
}

sched::Priority to_priority(int32_t priority) {
  switch (priority) {
    case DRM_FAKEGPU_PRIORITY_LOW:
      return sched::Priority::kLow;
    case DRM_FAKEGPU_PRIORITY_HIGH:
      return sched::Priority::kHigh;
    default:
      return sched::Priority::kNormal;
  }
}

int32_t from_priority(sched::Priority priority) {
  switch (priority) {
    case sched::Priority::kLow:
      return DRM_FAKEGPU_PRIORITY_LOW;
    case sched::Priority::kNormal:
      return DRM_FAKEGPU_PRIORITY_NORMAL;
    default:
      return DRM_FAKEGPU_PRIORITY_HIGH;
  }
}

// amdgpu_ctx_priority_permit(): above normal takes a privilege.
bool may_use(const Call& call, int32_t priority) {
  return priority <= DRM_FAKEGPU_PRIORITY_NORMAL || is_owner(call);
}

Outcome create(Call& call) {
  auto& arg = call.as<drm_fakegpu_ctx_create>();
  if (!may_use(call, arg.priority)) return -EACCES;
  FileImpl& file = call.file;
  Device& device = file.device();
  VmRef vm = file.vms().find(arg.vm_id);
  if (!vm) return -ENOENT;
  if (file.contexts().size() >= device.options().file_objects) return -EMFILE;
  if (out_of_memory(file)) return -ENOMEM;
  auto context = base::make_ref<Context>(std::move(vm), to_priority(arg.priority), file.accounts(),
                                         device.recovery().counts(), file.fence_page());
  arg.ctx_id = file.contexts().insert(context);
  arg.fence_slot = context->fence_slot();
  context->set_id(arg.ctx_id);
  ++device.counts().contexts;
  return 0;
}
int check_create(std::span<const std::byte> arg) {
  const auto& context = view<drm_fakegpu_ctx_create>(arg);
  const bool zero = context.flags == 0 && context.pad == 0;
  return zero && known_priority(context.priority) ? 0 : -EINVAL;
}

Outcome destroy(Call& call) {
  const auto& arg = call.as<drm_fakegpu_ctx_destroy>();
  Device& device = call.file.device();
  const ContextRef context = call.file.contexts().remove(arg.ctx_id);
  if (!context) return -ENOENT;
  for (unsigned ring = 0; ring < device.rings().size(); ++ring)
    while (const WaitingSubmit* wait = context->submit_queue(ring).front())
      call.file.finish(wait->id(), -ENOENT);
  context->kill(device.now());
  --device.counts().contexts;
  return 0;
}
int check_destroy(std::span<const std::byte> arg) {
  return view<drm_fakegpu_ctx_destroy>(arg).pad ? -EINVAL : 0;
}

Outcome query(Call& call) {
  auto& arg = call.as<drm_fakegpu_ctx_query>();
  Device& device = call.file.device();
  const ContextRef context = call.file.contexts().find(arg.ctx_id);
  if (!context) return -ENOENT;
  const sched::Usage stats = context->usage();
  arg.flags = 0;
  const RecoveryCounts now = device.recovery().counts();
  const RecoveryCounts& then = context->counts_at_creation();
  if (now.resets != then.resets) arg.flags |= DRM_FAKEGPU_CTX_RESET;
  if (now.vram_losses != then.vram_losses) arg.flags |= DRM_FAKEGPU_CTX_VRAM_LOST;
  if (context->guilty()) arg.flags |= DRM_FAKEGPU_CTX_GUILTY;
  if (device.recovery().in_progress()) arg.flags |= DRM_FAKEGPU_CTX_RESET_IN_PROGRESS;
  arg.priority = from_priority(context->priority());
  arg.jobs_submitted = stats.pushed;
  arg.jobs_completed = stats.completed;
  arg.gpu_time_ns = static_cast<uint64_t>(stats.gpu_time);
  arg.wait_time_ns = static_cast<uint64_t>(stats.wait_time);
  return 0;
}
int check_query(std::span<const std::byte> arg) {
  return view<drm_fakegpu_ctx_query>(arg).pad ? -EINVAL : 0;
}

Outcome set_priority(Call& call) {
  const auto& arg = call.as<drm_fakegpu_ctx_set_priority>();
  if (!may_use(call, arg.priority)) return -EACCES;
  const ContextRef context = call.file.contexts().find(arg.ctx_id);
  if (!context) return -ENOENT;
  context->set_priority(to_priority(arg.priority));
  return 0;
}
int check_set_priority(std::span<const std::byte> arg) {
  return known_priority(view<drm_fakegpu_ctx_set_priority>(arg).priority) ? 0 : -EINVAL;
}

// DRM_AMDGPU_WAIT_CS. As there, a context that is destroyed meanwhile ends no wait: its jobs do.
Outcome wait_seqno(Call& call) {
  const auto& arg = call.as<drm_fakegpu_wait_seqno>();
  FileImpl& file = call.file;
  Device& device = file.device();
  const ContextRef context = file.contexts().find(arg.ctx_id);
  if (!context) return -ENOENT;
  if (arg.ring >= device.rings().size()) return -EINVAL;
  Progress& progress = context->progress(arg.ring);
  if (arg.seqno == 0 || arg.seqno > progress.submitted()) return -EINVAL;
  if (arg.seqno <= progress.finished()) return 0;
  if (arg.timeout_nsec <= device.now()) return -ETIME;
  if (!file.may_wait()) return -ENOMEM;
  context->urge(arg.ring, arg.seqno);
  file.suspend(
      {call.request.id,
       {call.arg.begin(), call.arg.end()},
       std::nullopt,
       arg.timeout_nsec,
       std::move(call.reply),
       std::make_unique<SeqnoWait>(progress, arg.seqno, file.seqno_wait_done(call.request.id))});
  return std::nullopt;
}
int check_wait_seqno(std::span<const std::byte> arg) {
  const auto& wait = view<drm_fakegpu_wait_seqno>(arg);
  return wait.flags || wait.pad ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CTX_CREATE), locked<create>, check_create},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CTX_DESTROY), locked<destroy>, check_destroy},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CTX_QUERY), locked<query>, check_query},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY), locked<set_priority>, check_set_priority},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_WAIT_SEQNO), locked<wait_seqno>, check_wait_seqno},
};

}  // namespace

std::span<const HandlerRow> context_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
