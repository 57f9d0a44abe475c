// SPDX-License-Identifier: MIT
#include "context.h"

#include <vector>

#include "bo.h"
#include "cmdbuf.h"
#include "syncobj.h"

using namespace fakegpu::umd;

namespace {

uint64_t pointer(const void* at) {
  return reinterpret_cast<uintptr_t>(at);
}

int collect_ibs(const fakegpu_context& ctx, const fakegpu_submission& submission,
                std::vector<drm_fakegpu_ib>* out) {
  const Device& device = *ctx.device;
  const bool sdma = device.rings()[submission.ring].type == DRM_FAKEGPU_RING_SDMA;
  out->reserve(uint64_t{submission.cmdbuf_count} + submission.ib_count);
  for (uint32_t i = 0; i < submission.cmdbuf_count; ++i) {
    fakegpu_cmdbuf& cb = *submission.cmdbufs[i];
    if (cb.vm != ctx.vm || cb.sdma != sdma) return -EINVAL;
    drm_fakegpu_ib ib;
    const int result = cb.finish(&ib);
    if (result != 0) return result;
    ib.flags = submission.ib_flags;
    if (ib.dwords != 0) out->push_back(ib);
  }
  out->insert(out->end(), submission.ibs, submission.ibs + submission.ib_count);
  return 0;
}

int collect_syncs(const fakegpu_context& ctx, const fakegpu_sync_point* points, uint32_t count,
                  std::vector<drm_fakegpu_sync>* out) {
  out->reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (points[i].syncobj->device != ctx.device) return -EINVAL;
    out->push_back({points[i].syncobj->handle, 0, points[i].point});
  }
  return 0;
}

int collect_bos(const fakegpu_context& ctx, const fakegpu_submission& submission,
                std::vector<drm_fakegpu_bo_use>* out) {
  out->reserve(submission.bo_count);
  for (uint32_t i = 0; i < submission.bo_count; ++i) {
    const fakegpu_bo_use& use = submission.bos[i];
    if (use.bo->device != ctx.device) return -EINVAL;
    out->push_back({use.bo->core->handle(), use.flags});
  }
  return 0;
}

}  // namespace

fakegpu_context::~fakegpu_context() {
  if (id == 0) return;
  drm_fakegpu_ctx_destroy destroy = {};
  destroy.ctx_id = id;
  device->call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, &destroy);
}

extern "C" {

int fakegpu_context_create(struct fakegpu_device* dev, struct fakegpu_vm* vm, int32_t priority,
                           struct fakegpu_context** out) {
  return guarded([&] {
    if (vm && vm->device != dev->core) return -EINVAL;
    auto ctx = std::make_unique<fakegpu_context>();
    ctx->device = dev->core;
    int result = 0;
    if (vm)
      ctx->vm = vm->core;
    else
      result = dev->core->default_vm(&ctx->vm);
    if (result != 0) return result;
    drm_fakegpu_ctx_create create = {};
    create.vm_id = ctx->vm->id();
    create.priority = priority;
    // A driver without a fence page leaves it so.
    create.fence_slot = DRM_FAKEGPU_NO_FENCE_SLOT;
    result = dev->core->call(DRM_IOCTL_FAKEGPU_CTX_CREATE, &create);
    if (result != 0) return result;
    ctx->id = create.ctx_id;
    ctx->fence_slot = create.fence_slot;
    *out = ctx.release();
    return 0;
  });
}

void fakegpu_context_destroy(struct fakegpu_context* ctx) {
  delete ctx;
}

uint32_t fakegpu_context_id(const struct fakegpu_context* ctx) {
  return ctx->id;
}

int fakegpu_context_set_priority(struct fakegpu_context* ctx, int32_t priority) {
  return guarded([&] {
    drm_fakegpu_ctx_set_priority request = {};
    request.ctx_id = ctx->id;
    request.priority = priority;
    return ctx->device->call(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, &request);
  });
}

int fakegpu_context_query(struct fakegpu_context* ctx, struct drm_fakegpu_ctx_query* state) {
  return guarded([&] {
    drm_fakegpu_ctx_query query = {};
    query.ctx_id = ctx->id;
    const int result = ctx->device->call(DRM_IOCTL_FAKEGPU_CTX_QUERY, &query);
    if (result == 0) *state = query;
    return result;
  });
}

int fakegpu_context_submit(struct fakegpu_context* ctx, const struct fakegpu_submission* submission,
                           uint64_t* seqno) {
  return guarded([&] {
    if (submission->ring >= ctx->device->rings().size()) return -EINVAL;
    std::vector<drm_fakegpu_ib> ibs;
    int result = collect_ibs(*ctx, *submission, &ibs);
    if (result != 0) return result;
    std::vector<drm_fakegpu_sync> waits;
    result = collect_syncs(*ctx, submission->waits, submission->wait_count, &waits);
    if (result != 0) return result;
    std::vector<drm_fakegpu_sync> signals;
    result = collect_syncs(*ctx, submission->signals, submission->signal_count, &signals);
    if (result != 0) return result;
    std::vector<drm_fakegpu_bo_use> bos;
    result = collect_bos(*ctx, *submission, &bos);
    if (result != 0) return result;

    drm_fakegpu_submit submit = {};
    submit.ctx_id = ctx->id;
    submit.ring = submission->ring;
    submit.flags = submission->flags;
    submit.ib_count = static_cast<uint32_t>(ibs.size());
    submit.ibs = pointer(ibs.data());
    submit.in_sync_count = submission->wait_count;
    submit.out_sync_count = submission->signal_count;
    submit.in_syncs = pointer(waits.data());
    submit.out_syncs = pointer(signals.data());
    submit.bos = pointer(bos.data());
    submit.bo_count = submission->bo_count;
    submit.user_data = submission->user_data;
    result = ctx->device->call(DRM_IOCTL_FAKEGPU_SUBMIT, &submit);
    if (result == 0 && seqno) *seqno = submit.seqno;
    return result;
  });
}

int fakegpu_context_wait(struct fakegpu_context* ctx, uint32_t ring, uint64_t seqno,
                         int64_t deadline_ns) {
  return guarded([&] {
    Device& device = *ctx->device;
    // Anything else is for the driver to judge.
    const bool in_page =
        ctx->fence_slot != DRM_FAKEGPU_NO_FENCE_SLOT && ring < device.rings().size() && seqno != 0;
    if (in_page &&
        device.fence_page().wait(ctx->fence_slot + ring, seqno, deadline_ns, device.transport()))
      return 0;
    drm_fakegpu_wait_seqno wait = {};
    wait.ctx_id = ctx->id;
    wait.ring = ring;
    wait.seqno = seqno;
    wait.timeout_nsec = deadline_ns;
    return device.call(DRM_IOCTL_FAKEGPU_WAIT_SEQNO, &wait);
  });
}

int fakegpu_context_submit_one(struct fakegpu_context* ctx, uint32_t ring,
                               struct fakegpu_cmdbuf* cmdbuf, struct fakegpu_syncobj* done) {
  const fakegpu_sync_point signal = {done, 0};
  fakegpu_submission submission = {};
  submission.ring = ring;
  submission.cmdbufs = &cmdbuf;
  submission.cmdbuf_count = 1;
  submission.signals = &signal;
  submission.signal_count = done ? 1 : 0;
  return fakegpu_context_submit(ctx, &submission, nullptr);
}

}  // extern "C"
