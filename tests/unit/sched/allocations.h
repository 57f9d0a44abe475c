// SPDX-License-Identifier: MIT
// Counts allocations on the signalling path: between arm and the finished fence nothing may
// allocate, since memory may only come free when a fence signals. The test program replaces the
// global operator new for that.
#pragma once

#include <cstdint>

namespace fakegpu::sched {

// For as long as one exists, what is allocated counts or does not; the innermost decides. Not for
// several threads.
class AllocationScope {
 public:
  AllocationScope(const AllocationScope&) = delete;
  AllocationScope& operator=(const AllocationScope&) = delete;

 protected:
  explicit AllocationScope(bool counts);
  ~AllocationScope();

 private:
  bool before_;
};

// The scheduler's own work.
struct CountAllocations : AllocationScope {
  CountAllocations() : AllocationScope(true) {}
};

// What the test does meanwhile: a mock, a callback.
struct UncountedAllocations : AllocationScope {
  UncountedAllocations() : AllocationScope(false) {}
};

// Since the program began.
uint64_t counted_allocations();

}  // namespace fakegpu::sched
