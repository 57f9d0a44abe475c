// SPDX-License-Identifier: MIT
#include "record_tap.h"

#include "fence/unwrap.h"

namespace fakegpu::drv {

namespace {

// Fills in what is waited for.
void describe(fence::Fence& fence, drm_fakegpu_event_record& record) {
  if (const auto job = sched::job_fence(fence)) {
    record.value[0] = job->finished ? DRM_FAKEGPU_WAITS_FINISHED : DRM_FAKEGPU_WAITS_SCHEDULED;
    record.value[1] = job->context;
    record.value[2] = job->seqno;
  } else {
    record.value[0] = DRM_FAKEGPU_WAITS_FOREIGN;
    record.value[1] = fence.context();
    record.value[2] = fence.seqno();
  }
}

}  // namespace

void RecordTap::queued(const sched::Entity&, const sched::Job& job) {
  queue(job, 0);
}

void RecordTap::queue(const sched::Job& job, uint64_t flags) {
  auto record = of(DRM_FAKEGPU_RECORD_QUEUED, job);
  record.value[0] = job.credits();
  record.value[2] = flags;
  record.value[3] = static_cast<uint64_t>(job.pushed_at());
  for (const fence::FenceRef& dependency : job.dependencies())
    record.value[1] += !dependency->test_signaled();
  recorder_.write(record);
  for (const fence::FenceRef& dependency : job.dependencies())
    if (!dependency->test_signaled()) depend(job, dependency);
}

void RecordTap::depend(const sched::Job& job, const fence::FenceRef& dependency) {
  auto record = of(DRM_FAKEGPU_RECORD_DEPENDENCY, job);
  describe(*dependency, record);
  const bool chain = dependency->kind() == fence::Fence::Kind::kChain;
  std::vector<drm_fakegpu_event_record> leaves;
  if (dependency->is_container()) {
    fence::Unwrap unwrap(dependency);
    while (fence::Fence* leaf = unwrap.next()) {
      auto& below = leaves.emplace_back(of(DRM_FAKEGPU_RECORD_LEAF, job));
      if (leaves.size() > kMaxLeaves) break;
      describe(*leaf, below);
      below.value[3] = unwrap.at_node_start();
    }
    if (leaves.size() > kMaxLeaves) {
      leaves.clear();
    } else {
      record.value[0] = chain ? DRM_FAKEGPU_WAITS_CHAIN : DRM_FAKEGPU_WAITS_ARRAY;
    }
  }
  record.value[3] = leaves.size();
  recorder_.write(record);
  for (const auto& leaf : leaves) recorder_.write(leaf);
}

}  // namespace fakegpu::drv
