// SPDX-License-Identifier: MIT
// Recordings written by hand: one ring of each number asked for, entities and jobs on them.
#pragma once

#include <cstring>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/record_file.h"

namespace fakegpu::tests {

class Builder {
 public:
  explicit Builder(uint32_t rings = 1, uint64_t credits = 1, std::string_view policy = "fifo") {
    for (uint32_t ring = 0; ring < rings; ++ring) {
      add(DRM_FAKEGPU_RECORD_RING, ring, 0, 0, {credits, 0, DRM_FAKEGPU_RING_COMPUTE, 1});
      sim::Record& record = add(DRM_FAKEGPU_RECORD_POLICY, ring);
      policy.copy(reinterpret_cast<char*>(record.value), sizeof(record.value));
    }
  }

  // What follows is of another section, at that time.
  Builder& at(int64_t time) {
    ++section_;
    time_ = time;
    return *this;
  }
  sim::Record& add(uint32_t kind, uint32_t ring, uint64_t context = 0, uint64_t seqno = 0,
                   std::vector<uint64_t> values = {}) {
    sim::Record record = {};
    record.base = {DRM_FAKEGPU_EVENT_RECORD, sizeof(record)};
    record.kind = kind;
    record.ring = ring;
    record.section = section_;
    record.time_ns = time_;
    record.context = context;
    record.seqno = seqno;
    std::copy(values.begin(), values.end(), record.value);
    return records_.emplace_back(record);
  }
  Builder& entity(uint64_t context, uint64_t client, uint32_t ring = 0, uint64_t priority = 2) {
    add(DRM_FAKEGPU_RECORD_ENTITY, ring, context, 0, {priority, client});
    return *this;
  }
  Builder& queue(uint64_t context, uint64_t seqno, uint32_t ring = 0) {
    add(DRM_FAKEGPU_RECORD_QUEUED, ring, context, seqno, {1});
    return *this;
  }
  Builder& run(uint64_t context, uint64_t seqno, uint32_t ring = 0) {
    add(DRM_FAKEGPU_RECORD_RUN, ring, context, seqno);
    return *this;
  }
  Builder& done(uint64_t context, uint64_t seqno, uint32_t ring = 0) {
    add(DRM_FAKEGPU_RECORD_DONE, ring, context, seqno, {static_cast<uint64_t>(time_)});
    return *this;
  }

  const std::vector<sim::Record>& records() const { return records_; }
  std::vector<sim::Record>& records() { return records_; }
  std::string text() const {
    std::string text = sim::record_header_line("built");
    for (const sim::Record& record : records_) text += sim::record_line(record);
    return text + sim::record_end_line(records_.size(), sim::lost_of(records_));
  }

 private:
  std::vector<sim::Record> records_;
  uint64_t section_ = 1;
  int64_t time_ = 1000;
};

inline base::Result<sim::RecordFile> read_text(const std::string& text) {
  std::istringstream in(text);
  return sim::read_record_file(in);
}

}  // namespace fakegpu::tests
