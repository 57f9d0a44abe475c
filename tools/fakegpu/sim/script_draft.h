// SPDX-License-Identifier: MIT
// A script that is being made of records: what the parts of the compiler share.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "sim/script.h"

namespace fakegpu::sim {

// Of a fence: its context and seqno.
using FenceKey = std::pair<uint64_t, uint64_t>;

// Whoever answers false has told of a problem, and compiling is over.
class ScriptDraft {
 public:
  explicit ScriptDraft(uint64_t lost) { script_.lost = lost; }

  Script& script() { return script_; }
  const std::string& problem() const { return problem_; }

  bool lossy() const { return script_.lost > 0; }
  // What no driver says.
  bool refuse(std::string why);
  // What cannot be right, unless what explains it was lost: then it is left out.
  bool unknown(std::string why) { return lossy() || refuse(std::move(why)); }

  // The rings, entities and jobs of the first section are the recording's beginning.
  bool is_beginning() const { return script_.sections.size() == 1; }
  // What is told of that; empty: nothing is wrong with it.
  bool accept(std::string_view problem) { return problem.empty() || refuse(std::string(problem)); }

  // The record's section becomes the current one.
  bool open_section(const Record& record);
  uint32_t section() const { return static_cast<uint32_t>(script_.sections.size() - 1); }
  Nanos now() const { return script_.sections.back().time; }
  void add_event(ScriptEvent::Kind kind, uint32_t index, uint32_t detail = 0);

  uint32_t add_job(uint64_t context, ScriptJob job);
  // By its finished fence; kNone: there is none.
  uint32_t find_job(const FenceKey& key) const;

 private:
  Script script_;
  std::string problem_;
  uint64_t number_ = 0;  // of the current section, in the recording
  std::map<FenceKey, uint32_t> jobs_;
};

}  // namespace fakegpu::sim
