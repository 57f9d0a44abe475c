// SPDX-License-Identifier: MIT
// A way in for clients: the CUSE device, the FUSE file, the socket. Made before the machine, as
// what a transport can do decides what the driver tells clients.
#pragma once

#include <string_view>

#include "base/result.h"
#include "drv/machine.h"

namespace fakegpu::cuse_dev {

class Transport {
 public:
  // What a transport tells its owner. The loop's thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    // It serves nobody any more (unmounted, aborted by the kernel); stop() is still to be called.
    virtual void transport_lost(Transport& transport) = 0;
  };

  // After stop(), or never started.
  virtual ~Transport() = default;

  // "cuse", "fuse", "socket".
  virtual std::string_view name() const = 0;

  // Where clients find it, for the log: a path.
  virtual std::string_view where() const = 0;

  // mmap(fd, BO_MMAP offset) works on what clients open here.
  virtual bool can_mmap() const { return false; }

  // From now on clients are served, by the loop this was made with. Both outlive it.
  virtual base::Result<> start(drv::Machine& machine, Owner& owner) = 0;

  // The loop does not run any more, the machine was shut down and its executor stopped: no other
  // thread touches a file. Answers what is still open (-ENODEV), closes all files and removes what
  // start() and the constructor put into the file system. Idempotent.
  virtual void stop() = 0;
};

}  // namespace fakegpu::cuse_dev
