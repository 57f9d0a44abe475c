// SPDX-License-Identifier: MIT
// A real character device, /dev/NAME. It has no mmap: clients map memory that the channel hands
// out.
#pragma once

#include <sys/types.h>

#include "fuse_connection.h"

struct cuse_lowlevel_ops;

namespace fakegpu::cuse_dev {

class CuseSession final : public FuseConnection {
 public:
  struct Options {
    std::string name = "fakegpu";  // below /dev; may hold folders: "dri/renderD128"
    NodeKind kind = NodeKind::kRender;
    dev_t number = 0;                            // to register; 0: any that is free
    mode_t mode = 0666;                          // of the node; devtmpfs makes it 0600
    bool restricted = false;                     // the kernel moves only the struct
    std::shared_ptr<NodeFiles> nodes = nullptr;  // as FuseConnection's
  };

  // Registers the device: by `number`, or if that is 0 by DRM's for a name of DRM's where it can be
  // had, else by any. Its node is there on return, and opens wait for start(). -ENOENT: the
  // machine has no CUSE; -EACCES: not allowed; -EEXIST: the name is taken.
  static base::Result<std::unique_ptr<Transport>> create(Loop& loop, const Options& options);

  // The same on a descriptor that speaks as /dev/cuse does, and without a look at the node.
  static base::Result<std::unique_ptr<Transport>> create_on(Loop& loop, const Options& options,
                                                            base::UniqueFd fd);

  std::string_view name() const override { return "cuse"; }

 private:
  CuseSession(Loop& loop, const Options& options);
  static base::Result<std::unique_ptr<Transport>> register_node(Loop& loop, const Options& options);
  static const cuse_lowlevel_ops& operations();

  const NodeKind kind_;
};

}  // namespace fakegpu::cuse_dev
