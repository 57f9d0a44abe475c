// SPDX-License-Identifier: MIT
// What is in the FUSE directory: the files that behave like the device's nodes, and those of
// FdNames, which are found but not listed. Each lookup gives a new inode.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <span>

#include "fd_names.h"
#include "node_kind.h"

namespace fakegpu::cuse_dev {

class FuseDirectory {
 public:
  static constexpr const char* kFileName = "fakegpu";

  // `mode`: of the files. `names` outlives this object.
  FuseDirectory(mode_t mode, FdNames& names) : mode_(mode), names_(names) {}

  // Of a file that look_up() gave and that FdNames does not know.
  static NodeKind kind(fuse_ino_t node);
  // Of such a file, one of FdNames, or the directory (FUSE_ROOT_ID).
  struct stat attributes(fuse_ino_t node) const;
  // 0: there is no such file, for a caller with these ids.
  fuse_ino_t look_up(const char* name, uid_t uid, gid_t gid);
  // Fills `buffer` from the entry at `offset` on. Gives the bytes used.
  size_t list(fuse_req_t request, std::span<char> buffer, off_t offset) const;

 private:
  const mode_t mode_;
  FdNames& names_;
  fuse_ino_t lookups_ = 0;
};

}  // namespace fakegpu::cuse_dev
