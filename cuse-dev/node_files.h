// SPDX-License-Identifier: MIT
// What the nodes of one daemon have in common: their open files by id, what was claimed and not
// attached yet, and the way to callers' descriptors.
//
// The loop's thread, or the one that will run it.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/clock.h"
#include "fd_claims.h"
#include "fd_taker.h"
#include "loop.h"
#include "open_file.h"

namespace fakegpu::cuse_dev {

class NodeFiles {
 public:
  // Without a taker every descriptor is one that may not be looked at (-EPERM).
  NodeFiles(Loop& loop, const base::Clock& clock, std::unique_ptr<FdTaker> taker);

  // Makes an open file known under an id that is never used again, and the opposite.
  uint64_t enter(OpenFile& open);
  void leave(uint64_t id) { files_.erase(id); }

  FdClaims& claims() { return claims_; }

  // Files of this node will be recognised.
  void add_node(NodeIdentity node);
  // As FdTaker::take().
  void take(int32_t tid, int32_t fd, FdTaker::Done done);
  // What the driver is to see of it.
  drv::TakenFd resolve(FetchedFd fetched);

  // Around each node's service; counted.
  void start();
  void stop();

 private:
  bool close_expired();

  Loop& loop_;
  std::unique_ptr<FdTaker> taker_;
  FdClaims claims_;
  std::unordered_map<uint64_t, OpenFile*> files_;
  uint64_t last_id_ = 0;
  unsigned served_ = 0;
  Loop::WatchId timer_watch_ = 0;
};

// With the system's clock.
std::shared_ptr<NodeFiles> make_node_files(Loop& loop, std::unique_ptr<FdTaker> taker);

}  // namespace fakegpu::cuse_dev
