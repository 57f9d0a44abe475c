// SPDX-License-Identifier: MIT
// This process's descriptor table with little room in it, or none.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <vector>

namespace fakegpu::conformance {

// For the life of this object only the next `room` numbers are free.
class ShortTable {
 public:
  explicit ShortTable(unsigned room);
  ~ShortTable();
  ShortTable(const ShortTable&) = delete;
  ShortTable& operator=(const ShortTable&) = delete;

 private:
  rlimit before_ = {};
  std::vector<int> fillers_;
};

// How many descriptors a process has.
size_t descriptors_of(pid_t process);

}  // namespace fakegpu::conformance
