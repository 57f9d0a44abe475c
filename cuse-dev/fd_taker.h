// SPDX-License-Identifier: MIT
// Descriptors of callers, fetched by a process of its own. That process and not the daemon is what
// duplicates them, because a duplicate may be an open file of our own node: closing the last
// reference to it is a request to the daemon, and a daemon that died with one could never be let
// go by the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "base/unique_fd.h"
#include "base/unique_function.h"
#include "loop.h"

namespace fakegpu::cuse_dev {

// A device node of this daemon, as stat shows an open file of it.
struct NodeIdentity {
  bool character = false;  // CUSE: `device` is the node's number; FUSE: the file system's
  uint64_t device = 0;
};

// What a caller's descriptor refers to. With neither a file id nor a descriptor: something that no
// call wants (a file, a socket, a node of another daemon).
struct FetchedFd {
  // 0; -EBADF: no such descriptor; -EPERM: this process may not look into the caller, or does not
  // see it; -EIO: the fetching process was lost meanwhile.
  int error = 0;
  uint64_t file_id = 0;    // of an open file of ours, by DRM_IOCTL_FAKEGPU_IDENTIFY ...
  base::UniqueFd eventfd;  // ... or a duplicate of an eventfd
};

// The loop's thread.
class FdTaker {
 public:
  using Done = base::UniqueFunction<void(FetchedFd)>;
  virtual ~FdTaker() = default;
  // Descriptor `fd` of the process that has the thread `tid`. `done` is called later.
  virtual void take(int32_t tid, int32_t fd, Done done) = 0;
  // A node whose open files are to be recognised.
  virtual void add_node(NodeIdentity node) = 0;
  // From watch() to unwatch() answers arrive.
  virtual void watch() = 0;
  virtual void unwatch() = 0;
};

// Starts the process at once, before the daemon has anything that it should not inherit, and again
// at the next take() if it was lost, or when it is full of what it must not close. It ends when
// this object or the daemon does.
class ProcessFdTaker final : public FdTaker {
 public:
  explicit ProcessFdTaker(Loop& loop);
  ~ProcessFdTaker() override;

  void take(int32_t tid, int32_t fd, Done done) override;
  // The first kMaxNodes count.
  void add_node(NodeIdentity node) override { nodes_.push_back(node); }
  void watch() override;
  void unwatch() override;

  // The process; -1: none.
  pid_t pid() const { return pid_; }

  static constexpr size_t kMaxNodes = 8;
  // Requests that the process is given ahead; the others wait here, so that a send never blocks.
  static constexpr size_t kAhead = 32;

 private:
  struct Call {
    int32_t tid;
    int32_t fd;
    Done done;
  };
  bool start();
  void watch_socket();
  void send_waiting();
  bool receive();
  void lose();
  void replace();
  void drop_process();
  void reap();

  Loop& loop_;
  std::vector<NodeIdentity> nodes_;
  base::UniqueFd socket_;
  pid_t pid_ = -1;
  std::vector<pid_t> ended_;
  bool watching_ = false;
  Loop::WatchId watch_ = 0;
  uint64_t last_id_ = 0;
  uint64_t last_sent_ = 0;
  size_t ahead_ = 0;
  std::map<uint64_t, Call> calls_;  // by id, which is their order too
};

}  // namespace fakegpu::cuse_dev
