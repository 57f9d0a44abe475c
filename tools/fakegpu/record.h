// SPDX-License-Identifier: MIT
// `fakegpu record`: what a device's schedulers are told, written to a file while a program runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fakegpu::tools {

struct RecordOptions {
  std::string device;
  std::string out;
  uint32_t capacity = 0;           // records that the driver keeps for this; 0: its default
  double seconds = 0;              // 0: until the program ends, or a signal comes
  std::vector<std::string> words;  // the program; may be empty
};

// Exit status: the program's, if there is one and the recording is whole; 1 if it is not.
int run_record(const RecordOptions& options);

}  // namespace fakegpu::tools
