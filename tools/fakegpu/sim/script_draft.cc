// SPDX-License-Identifier: MIT
#include "sim/script_draft.h"

namespace fakegpu::sim {

bool ScriptDraft::refuse(std::string why) {
  problem_ = std::move(why);
  return false;
}

bool ScriptDraft::open_section(const Record& record) {
  auto& sections = script_.sections;
  if (!sections.empty() && record.section == number_) {
    if (record.time_ns != sections.back().time) return refuse("two times in one section");
    return true;
  }
  if (!sections.empty() && (record.section < number_ || record.time_ns < sections.back().time))
    return refuse("a section that comes too late");
  number_ = record.section;
  sections.push_back({record.time_ns, static_cast<uint32_t>(script_.events.size()), 0});
  return true;
}

void ScriptDraft::add_event(ScriptEvent::Kind kind, uint32_t index, uint32_t detail) {
  script_.events.push_back({kind, index, detail});
  ++script_.sections.back().count;
}

uint32_t ScriptDraft::add_job(uint64_t context, ScriptJob job) {
  const auto index = static_cast<uint32_t>(script_.jobs.size());
  jobs_.emplace(FenceKey{context, job.seqno}, index);
  script_.jobs.push_back(std::move(job));
  return index;
}

uint32_t ScriptDraft::find_job(const FenceKey& key) const {
  const auto found = jobs_.find(key);
  return found == jobs_.end() ? kNone : found->second;
}

}  // namespace fakegpu::sim
