// SPDX-License-Identifier: MIT
// The listening UNIX socket and what it puts into the file system: its name, a lock file beside it,
// and their directory if that was missing.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {

class SocketListener {
 public:
  // Listens at `path`, for everybody (0666): who may do what is decided by peer credentials. A
  // socket file that nobody listens on any more is replaced; that of a daemon that was just killed
  // may keep this waiting, a second at most. -EADDRINUSE: somebody serves there; -EEXIST: something
  // else has the name; -ENAMETOOLONG: clients could not be told the path.
  static base::Result<std::unique_ptr<SocketListener>> create(const std::string& path);

  // Removes what create() put there, but no socket that took our name meanwhile.
  ~SocketListener();

  // Nonblocking, SOCK_SEQPACKET.
  int fd() const { return socket_.get(); }
  const std::string& path() const { return path_; }

 private:
  explicit SocketListener(const std::string& path) : path_(path) {}
  std::string lock_path() const { return path_ + ".lock"; }

  base::Result<> make_directory();
  base::Result<> take_lock();
  base::Result<> clear_name();
  base::Result<> listen();

  const std::string path_;
  std::string made_directory_;  // empty: it was there
  // Held as long as we serve, so that of two daemons that find the same stale socket one gives up.
  base::UniqueFd lock_;
  base::UniqueFd socket_;
  bool bound_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace fakegpu::cuse_dev
