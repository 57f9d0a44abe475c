// SPDX-License-Identifier: MIT
// The requests that wait for an answer which comes later, from any thread. Gives each exactly one
// answer, whatever meets: the driver's reply, a signal, the end of the file.
//
// The table is written only after the driver said "pending", so a call that is answered at once,
// the common case, costs nothing here. The reply may overtake that: it comes from another thread
// while the call is still on its way to the table. It is then remembered until the call gets there.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"

struct fuse_req;

namespace fakegpu::cuse_dev {

class PendingCalls {
 public:
  // What the kernel named the request ("unique"); also Request::id for the driver.
  using Id = uint64_t;

  struct Call {
    Id id;
    fuse_req* request;
  };

  // The driver will answer later. `owner` names the open file. The thread that serves the device.
  void add(Id id, fuse_req* request, void* owner);

  // The driver's reply is there: the caller sends it now. False: the call was taken away by
  // take_all() and has its answer; send nothing. Any thread, once per call.
  bool finish(Id id);

  // Whose call this is, for passing on a signal. nullptr: it is not pending, or is being answered;
  // the signal came too late to matter. The thread that serves the device.
  void* owner(Id id);

  // Takes away the calls of `owner` (nullptr: of everybody), which the driver dropped. The caller
  // answers them.
  std::vector<Call> take_all(void* owner);

  size_t size();

 private:
  struct Entry {
    fuse_req* request;
    void* owner;
  };

  base::Mutex mutex_;
  std::unordered_map<Id, Entry> calls_ GUARDED_BY(mutex_);
  std::unordered_set<Id> early_ GUARDED_BY(mutex_);
  // Taken away by take_all(); a reply that was under way to them finds nothing left to answer.
  std::unordered_set<Id> taken_ GUARDED_BY(mutex_);
};

}  // namespace fakegpu::cuse_dev
