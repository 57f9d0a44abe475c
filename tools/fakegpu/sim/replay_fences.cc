// SPDX-License-Identifier: MIT
#include "sim/replay_fences.h"

#include <utility>

#include "fence/array.h"
#include "fence/chain.h"

namespace fakegpu::sim {

ReplayFences::ReplayFences(const Script& script, fence::Contexts& contexts)
    : script_(script),
      contexts_(contexts),
      jobs_(script.jobs.size()),
      fences_(script.fences.size()) {}

fence::FenceRef ReplayFences::make() {
  return base::make_ref<fence::ManualFence>(contexts_.allocate(), 1, "replay");
}

void ReplayFences::job_made(uint32_t job, fence::FenceRef scheduled, fence::FenceRef finished) {
  jobs_[job].scheduled = std::move(scheduled);
  jobs_[job].finished = std::move(finished);
}

void ReplayFences::forget_job(uint32_t job) {
  jobs_[job].freed = true;
  jobs_[job].scheduled.reset();
  jobs_[job].finished.reset();
}

void ReplayFences::job_freed(uint32_t job, Nanos now) {
  forget_job(job);
  if (const fence::FenceRef proxy = std::exchange(jobs_[job].proxy, nullptr)) proxy->signal(now);
}

fence::FenceRef ReplayFences::wait_for(const Wait& wait) {
  switch (wait.kind) {
    case Wait::Kind::kFinished:
    case Wait::Kind::kScheduled:
      return job_fence(wait.job, wait.kind == Wait::Kind::kFinished);
    case Wait::Kind::kForeign:
      return foreign_fence(wait.fence);
    default:
      return container(wait);
  }
}

fence::FenceRef ReplayFences::job_fence(uint32_t job, bool finished) {
  if (job == kNone || jobs_[job].freed) return nullptr;
  JobState& state = jobs_[job];
  if (state.finished) return finished ? state.finished : state.scheduled;
  if (!state.proxy) state.proxy = make();
  return state.proxy;
}

fence::FenceRef ReplayFences::foreign_fence(uint32_t index) {
  FenceState& state = fences_[index];
  if (state.signaled) return nullptr;
  if (!state.fence) state.fence = make();
  return state.fence;
}

// Made of what it was made of when a job first waited for it.
fence::FenceRef ReplayFences::container(const Wait& wait) {
  FenceState& state = fences_[wait.fence];
  if (state.fence) return state.fence;
  // As they were told: from the newest node on.
  std::vector<std::vector<fence::FenceRef>> nodes;
  for (uint32_t i = 0; i < wait.leaves; ++i) {
    const Wait& leaf = script_.waits[wait.first_leaf + i];
    if (nodes.empty() || (leaf.node_start && wait.kind == Wait::Kind::kChain)) nodes.emplace_back();
    if (fence::FenceRef fence = wait_for(leaf)) nodes.back().push_back(std::move(fence));
  }
  fence::FenceRef whole;
  uint64_t seqno = 0;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    if (node->empty()) continue;
    fence::FenceRef content = node->size() == 1 && wait.kind == Wait::Kind::kChain
                                  ? node->front()
                                  : fence::FenceRef(fence::Array::create(contexts_, *node));
    whole = wait.kind == Wait::Kind::kChain
                ? fence::FenceRef(fence::Chain::create(contexts_, std::move(whole),
                                                       std::move(content), ++seqno))
                : std::move(content);
  }
  state.fence = whole;
  return whole;
}

void ReplayFences::signal(uint32_t index, Nanos now) {
  for (const uint32_t leaf : script_.fences[index].leaves) {
    FenceState& state = fences_[leaf];
    state.signaled = true;
    if (state.fence) state.fence->signal(now);
  }
  FenceState& state = fences_[index];
  if (state.fence && state.fence->is_container()) return;
  state.signaled = true;
  if (state.fence) state.fence->signal(now);
}

void ReplayFences::signal_all(Nanos now) {
  for (uint32_t i = 0; i < fences_.size(); ++i) signal(i, now);
}

}  // namespace fakegpu::sim
