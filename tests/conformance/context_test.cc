// SPDX-License-Identifier: MIT
// Contexts.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

int create(const Client& client, drm_fakegpu_ctx_create arg) {
  return client.call(DRM_IOCTL_FAKEGPU_CTX_CREATE, arg);
}
int set_priority(const Client& client, uint32_t context, int32_t priority) {
  drm_fakegpu_ctx_set_priority arg = {.ctx_id = context, .priority = priority};
  return client.call(DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY, arg);
}
drm_fakegpu_ctx_query state_of(const Client& client, uint32_t context) {
  drm_fakegpu_ctx_query arg = {.ctx_id = context};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, arg), 0);
  return arg;
}

TEST(Context, IsCreatedQueriedAndDestroyed) {
  const Client client;
  const uint32_t context = client.make_context(client.make_vm());
  EXPECT_EQ(context, 1u);
  const drm_fakegpu_ctx_query state = state_of(client, context);
  EXPECT_EQ(state.flags, 0u);
  EXPECT_EQ(state.priority, DRM_FAKEGPU_PRIORITY_NORMAL);
  EXPECT_EQ(state.jobs_submitted, 0u);
  EXPECT_EQ(state.gpu_time_ns, 0u);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), -ENOENT);
}

TEST(Context, RefusesBadArguments) {
  const Client client;
  const uint32_t vm = client.make_vm();
  EXPECT_EQ(create(client, {.vm_id = vm, .flags = 1}), -EINVAL);
  EXPECT_EQ(create(client, {.vm_id = vm, .priority = 2}), -EINVAL);
  EXPECT_EQ(create(client, {.vm_id = vm, .priority = -2}), -EINVAL);
  EXPECT_EQ(create(client, {.vm_id = vm, .priority = INT32_MIN}), -EINVAL);
  for (const uint32_t bad : {0u, kNoHandle, UINT32_MAX}) {
    EXPECT_EQ(create(client, {.vm_id = bad}), -ENOENT);
    EXPECT_EQ(create(client, {.vm_id = bad, .flags = 1}), -EINVAL) << "flags before handles";
    drm_fakegpu_ctx_query query = {.ctx_id = bad};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), -ENOENT);
    drm_fakegpu_ctx_destroy destroy = {.ctx_id = bad};
    EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), -ENOENT);
    EXPECT_EQ(set_priority(client, bad, DRM_FAKEGPU_PRIORITY_LOW), -ENOENT);
  }
  const uint32_t context = client.make_context(vm);
  drm_fakegpu_ctx_query query = {.ctx_id = context, .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_QUERY, query), -EINVAL);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context, .pad = 1};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), -EINVAL);
}

TEST(Context, PriorityCanBeChanged) {
  const Client client;
  const uint32_t context = client.make_context(client.make_vm());
  EXPECT_EQ(set_priority(client, context, DRM_FAKEGPU_PRIORITY_LOW), 0);
  EXPECT_EQ(state_of(client, context).priority, DRM_FAKEGPU_PRIORITY_LOW);
  EXPECT_EQ(set_priority(client, context, 2), -EINVAL);
  EXPECT_EQ(set_priority(client, context, INT32_MAX), -EINVAL);
  // The tests run as the daemon's user, who may use it.
  EXPECT_EQ(set_priority(client, context, DRM_FAKEGPU_PRIORITY_HIGH), 0);
  EXPECT_EQ(state_of(client, context).priority, DRM_FAKEGPU_PRIORITY_HIGH);
}

TEST(Context, KeepsItsAddressSpaceAlive) {
  const Client client;
  const uint32_t vm = client.make_vm();
  const uint32_t context = client.make_context(vm);
  drm_fakegpu_vm_destroy destroy = {.vm_id = vm};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, destroy), 0);
  const uint32_t done = client.make_syncobj();
  const drm_fakegpu_sync out = {.handle = done};
  drm_fakegpu_submit submit = {
      .ctx_id = context, .out_sync_count = 1, .out_syncs = address_of(&out)};
  EXPECT_EQ(client.call(DRM_IOCTL_FAKEGPU_SUBMIT, submit), 0);
  EXPECT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0);
}

TEST(Context, DestroyingItCancelsQueuedJobs) {
  const Client client;
  const Gate gate(client);
  const uint32_t held = client.make_syncobj();
  const uint32_t done = client.make_syncobj();
  ASSERT_EQ(gate.submit({{.handle = held}}), 0);

  const uint32_t context = client.make_context(client.make_vm());
  const drm_fakegpu_sync in = {.handle = held};
  const drm_fakegpu_sync out = {.handle = done};
  drm_fakegpu_submit submit = {.ctx_id = context,
                               .flags = DRM_FAKEGPU_SUBMIT_EVENT,
                               .in_sync_count = 1,
                               .out_sync_count = 1,
                               .in_syncs = address_of(&in),
                               .out_syncs = address_of(&out)};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_SUBMIT, submit), 0);
  EXPECT_EQ(client.wait({&done, 1}, 0, 0), -ETIME);
  drm_fakegpu_ctx_destroy destroy = {.ctx_id = context};
  ASSERT_EQ(client.call(DRM_IOCTL_FAKEGPU_CTX_DESTROY, destroy), 0);
  // The job will not run, but its fence stands for memory at rest: it waits for the gate as before.
  EXPECT_EQ(client.wait({&done, 1}, 0, 0), -ETIME);
  gate.open();
  EXPECT_EQ(client.wait({&done, 1}, INT64_MAX, 0), 0) << "a fence with an error has signalled";
  drm_fakegpu_event_fence event = {};
  ASSERT_EQ(fakegpu_device_read_events(client.device(), &event, 1, 1), 1);
  EXPECT_EQ(event.error, -ESRCH);
}

}  // namespace
}  // namespace fakegpu::conformance
