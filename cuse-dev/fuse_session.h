// SPDX-License-Identifier: MIT
// A file system with files that behave like the device's nodes, for machines without CUSE:
// "fakegpu", "card0", "renderD128" and "sw_sync". On kernel 6.9 and later, as root, mmap() of all
// but the last maps the open file's arena.
//
// Each lookup of a file gives a new inode, and nothing about names is cached: the kernel ties a
// mapped file to the inode, and so every open by path gets an inode, and an arena, of its own. What
// other opens share is BackingTable's. What a caller claimed can be opened by a name of its own
// (FdNames).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "backing_table.h"
#include "fd_names.h"
#include "fuse_connection.h"
#include "fuse_directory.h"

namespace fakegpu::cuse_dev {

class FuseSession final : public FuseConnection {
 public:
  struct Options {
    std::string directory = "/run/fakegpu/fs";  // made if missing, with its parent
    mode_t mode = 0666;
    bool passthrough = true;  // if the kernel and our rights allow it
    // Further paths of the file "fakegpu", both optional and removed at the end. A symbolic link is
    // followed by a lookup, so it keeps opens apart. A bind mount is one inode for all who open it,
    // and they are to share no memory: passthrough is off then.
    std::string link;
    std::string bind;
    std::shared_ptr<NodeFiles> nodes = nullptr;  // as FuseConnection's
  };

  static constexpr const char* kFileName = FuseDirectory::kFileName;

  // Mounts, after clearing away what a killed daemon left. -EBUSY: another daemon serves there.
  static base::Result<std::unique_ptr<Transport>> create(Loop& loop, const Options& options);

  // The same on a descriptor that speaks as /dev/fuse does, mounted by others.
  static base::Result<std::unique_ptr<Transport>> create_on(Loop& loop, const Options& options,
                                                            base::UniqueFd fd);

  ~FuseSession() override;
  std::string_view name() const override { return "fuse"; }
  bool can_mmap() const override { return passthrough_; }
  base::Result<> start(drv::Machine& machine, Owner& owner) override;

 private:
  FuseSession(Loop& loop, const Options& options);

  static const fuse_lowlevel_ops& operations();
  static FuseSession& self(fuse_req_t request) { return static_cast<FuseSession&>(of(request)); }
  base::Result<> negotiate();
  base::Result<> bind_file();
  void amend_init_reply(std::span<const iovec> reply) override;
  void tear_down() override;

  void init(fuse_conn_info* connection);
  void open_device(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
  void open_claimed(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
  void reply_open(fuse_req_t request, fuse_file_info* info, OpenFile* open,
                  std::optional<int32_t> backing);
  static void reply_attributes(fuse_req_t request, fuse_ino_t node);
  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
  static void read_directory(fuse_req_t request, fuse_ino_t node, size_t bytes, off_t offset);
  static void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info);
  static void release(fuse_req_t request, fuse_file_info* info);

  const Options options_;
  BackingTable backings_;  // empty without passthrough
  FdNames names_;
  FuseDirectory directory_;
  bool mounted_ = false;
  bool linked_ = false;
  bool bound_ = false;
  bool offered_ = false;
  bool passthrough_ = false;
};

}  // namespace fakegpu::cuse_dev
