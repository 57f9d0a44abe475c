// SPDX-License-Identifier: MIT
#include "sim/script_waits.h"

namespace fakegpu::sim {

namespace {

constexpr uint64_t kMaxLeaves = 256;

}  // namespace

void ScriptWaits::expect(uint64_t dependencies) {
  forget();
  awaited_ = dependencies;
  skip_ = false;
}

void ScriptWaits::lose() {
  forget();
  skip_ = true;
}

void ScriptWaits::forget() {
  if (leaves_ > 0) draft_.script().waits[container_wait_].leaves -= static_cast<uint32_t>(leaves_);
  awaited_ = leaves_ = 0;
}

bool ScriptWaits::belongs_to_last_job(const Record& record) {
  const uint32_t job = draft_.find_job({record.context, record.seqno});
  return job != kNone && job + 1 == draft_.script().jobs.size();
}

bool ScriptWaits::add(const Record& record) {
  if (skip_) return true;
  if (!belongs_to_last_job(record) || awaited_ == 0 || leaves_ > 0)
    return draft_.unknown("a dependency of no job");
  --awaited_;
  // Its leaves come behind all that the job itself waits for, as the jobs' lists are contiguous.
  Wait wait;
  if (!fill(record, wait)) return false;
  const bool container = wait.kind == Wait::Kind::kArray || wait.kind == Wait::Kind::kChain;
  if (container ? record.value[3] == 0 || record.value[3] > kMaxLeaves : record.value[3] != 0)
    return draft_.refuse("a container of a size that cannot be");
  leaves_ = record.value[3];
  awaited_ += leaves_;
  ++draft_.script().jobs.back().waits;
  auto& waits = draft_.script().waits;
  wait.leaves = static_cast<uint32_t>(leaves_);
  wait.first_leaf = static_cast<uint32_t>(waits.size() + 1);
  container_ = wait.fence;
  container_wait_ = waits.size();
  waits.push_back(wait);
  return true;
}

bool ScriptWaits::add_leaf(const Record& record) {
  if (skip_) return true;
  if (!belongs_to_last_job(record) || leaves_ == 0) return draft_.unknown("a leaf of nothing");
  if (record.value[0] > DRM_FAKEGPU_WAITS_FOREIGN)
    return draft_.refuse("a container in a container");
  Wait wait;
  if (!fill(record, wait)) return false;
  wait.node_start = record.value[3] != 0;
  if (wait.kind == Wait::Kind::kForeign)
    draft_.script().fences[container_].leaves.push_back(wait.fence);
  --leaves_;
  --awaited_;
  draft_.script().waits.push_back(wait);
  return true;
}

bool ScriptWaits::fill(const Record& record, Wait& wait) {
  if (record.value[0] > DRM_FAKEGPU_WAITS_CHAIN)
    return draft_.refuse("an unknown kind of dependency");
  Script& script = draft_.script();
  wait.kind = static_cast<Wait::Kind>(record.value[0]);
  const FenceKey key{record.value[1], record.value[2]};
  if (wait.kind <= Wait::Kind::kScheduled) {
    if (draft_.is_beginning()) {
      unresolved_.push_back(
          {script.waits.size(), static_cast<uint32_t>(script.jobs.size() - 1), key});
      return true;
    }
    wait.job = draft_.find_job(key);
    if (wait.job == script.jobs.size() - 1) return draft_.refuse("a job that waits for itself");
    return true;
  }
  const auto [found, is_new] = fences_.emplace(key, static_cast<uint32_t>(script.fences.size()));
  if (is_new) script.fences.emplace_back();
  wait.fence = found->second;
  return true;
}

std::vector<std::pair<uint32_t, uint32_t>> ScriptWaits::end_beginning() {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (const Unresolved& one : std::exchange(unresolved_, {})) {
    const uint32_t awaited = draft_.find_job(one.awaited);
    if (awaited == kNone) continue;
    draft_.script().waits[one.wait].job = awaited;
    pairs.emplace_back(one.job, awaited);
  }
  return pairs;
}

bool ScriptWaits::signal(const Record& record) {
  const auto found = fences_.find({record.context, record.seqno});
  if (found == fences_.end()) return true;  // a job's from before
  Script& script = draft_.script();
  if (std::exchange(script.fences[found->second].signaled, true)) return true;
  const auto when = static_cast<Nanos>(record.value[0]);
  if (when > 0 && when < draft_.now()) script.early.emplace_back(when, found->second);
  draft_.add_event(ScriptEvent::Kind::kSignal, found->second);
  return true;
}

}  // namespace fakegpu::sim
