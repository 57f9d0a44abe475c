// SPDX-License-Identifier: MIT
// What the kernel maps for the opens of each inode of the FUSE file, when mmap() of it is the
// arena.
//
// The kernel ties one backing file to an inode, from its first open to its last close. Each open by
// path has an inode of its own (fuse_session.h). Those that have not (a descriptor opened again by
// /proc/self/fd, a bind mount that somebody made) share one backing file, and so one arena, while
// handles and everything else stay each open's own. Each of them can map the others' buffers, as
// whoever opens a memfd again by /proc has its memory: so they must be one user's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <unordered_map>

#include "base/result.h"
#include "drv/file.h"

namespace fakegpu::cuse_dev {

// In the thread that serves the connection.
class BackingTable {
 public:
  // How a file is registered with the connection, and the opposite (passthrough.h).
  using Register = std::function<base::Result<int32_t>(int file)>;
  using Unregister = std::function<void(int32_t backing_id)>;
  BackingTable(Register register_file, Unregister unregister)
      : register_(std::move(register_file)), unregister_(std::move(unregister)) {}

  // An open file of `node`, whose arena another open by `uid` is to share; nullptr: it would be the
  // first. -EBUSY: another user has the inode open.
  base::Result<drv::File*> sibling(uint64_t node, uid_t uid) const;

  // `file` is being opened; shares the arena of sibling(), if there is one. The backing id for the
  // reply. Errors of the registration; nothing is changed then.
  base::Result<int32_t> add(uint64_t node, uid_t uid, drv::File& file);

  // `file` is closed for the kernel, but not destroyed yet. The backing id goes with the last file:
  // before, another open may still need it.
  void remove(uint64_t node, drv::File& file);

 private:
  struct Inode {
    int32_t backing_id;
    uid_t uid;
    std::set<drv::File*> files;
  };

  Register register_;
  Unregister unregister_;
  // A node's number is never used twice, and the kernel forgets none that is open.
  std::unordered_map<uint64_t, Inode> inodes_;
};

}  // namespace fakegpu::cuse_dev
