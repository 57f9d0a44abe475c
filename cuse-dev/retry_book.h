// SPDX-License-Identifier: MIT
// Which arrays were asked for on behalf of an unrestricted ioctl, until it comes back with them.
//
// CUSE copies a caller's memory by retries: the daemon answers "I need these ranges", the kernel
// copies and calls again, as a new request that says nothing of the last one. The struct is copied
// anew on every trip, so another thread of the caller may have changed it in between. The call may
// run only if the struct of the last trip asks for exactly the ranges that were fetched on it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ioctl/plan.h"

namespace fakegpu::cuse_dev {

// One per open file; the thread that serves the device.
class RetryBook {
 public:
  // A caller has one ioctl at a time per thread. The struct's address tells threads apart whose ids
  // are not visible from here (0).
  struct Key {
    int32_t tid;
    uint32_t command;
    uint64_t arg;
    bool operator==(const Key&) const = default;
  };

  enum class Verdict {
    kCall,    // the bytes at hand are those of `wanted`
    kFetch,   // ask for `wanted` and come back
    kGiveUp,  // the struct changed on every trip: -EFAULT
  };

  // `wanted` is the plan of this trip's struct; `sizes_match`: the request carries as many bytes in
  // and out as struct and plan need together. kFetch is written down for the next trip.
  Verdict check(const Key& key, std::span<const ioctl::Segment> wanted, bool sizes_match);

  // The call ended otherwise.
  void forget(const Key& key);

  size_t size() const { return entries_.size(); }

  // Times the arrays of one call are asked for.
  static constexpr unsigned kMaxFetches = 8;
  // A call whose pointers are bad never comes back, so entries can stay behind; the oldest goes.
  static constexpr size_t kMaxEntries = 64;

 private:
  struct Entry {
    Key key;
    unsigned fetches = 0;
    std::vector<ioctl::Segment> segments;
  };
  std::vector<Entry>::iterator find(const Key& key);

  std::vector<Entry> entries_;  // oldest first
};

}  // namespace fakegpu::cuse_dev
