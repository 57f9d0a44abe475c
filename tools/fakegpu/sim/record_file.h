// SPDX-License-Identifier: MIT
// A recording as a file: JSON, one object a line. docs/recording.md lists them.
#pragma once

#include <cstdint>
#include <istream>
#include <span>
#include <string>
#include <vector>

#include <fakegpu_drm.h>

#include "base/result.h"

namespace fakegpu::sim {

using Record = drm_fakegpu_event_record;

// The first line, a record's, and the last. Each with its end of line.
std::string record_header_line(const std::string& device);
std::string record_line(const Record& record);
std::string record_end_line(uint64_t records, uint64_t lost);

struct RecordFile {
  std::vector<Record> records;  // of line 2 and so on
  uint64_t lost = 0;            // what the driver had to drop
};

// Refuses whatever is no whole recording of this version, and says in which line: -EINVAL. What the
// records say is not looked at.
base::Result<RecordFile> read_record_file(std::istream& in);

// The records of what read() gave of a file that records; other events are left out.
std::vector<Record> records_of(std::span<const std::byte> events);

// How many of `records` say that others are missing, and how many.
uint64_t lost_of(std::span<const Record> records);

}  // namespace fakegpu::sim
