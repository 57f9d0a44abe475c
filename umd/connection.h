// SPDX-License-Identifier: MIT
// The client's end of the daemon's socket (ioctl/wire.h). Several threads may have calls pending at
// once; whichever of them waits reads the replies for all and passes the role on when it has its
// own.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ioctl/wire.h"
#include "owned.h"

namespace fakegpu::umd {

class Connection {
 public:
  explicit Connection(OwnedFd socket);

  // Connects to the daemon at `path`. Its process must run as root, as the caller, or as `owner`
  // (-EPERM), so that nobody who squats the path is talked to.
  static int connect(const std::string& path, uid_t owner, OwnedFd* out);

  // The first message; token 0,0 opens a new file of `node`, else it joins the one that the token
  // names.
  int hello(const uint64_t token[2], ioctl::wire::Node node = ioctl::wire::Node::kRender);

  struct Reply {
    std::vector<std::byte> bytes;  // the message, header included
    OwnedFd fd;
    bool fd_dropped = false;  // one came, and this process had no number for it
  };

  // Sends `message`, whose header this fills in, with the descriptors `fds`, and blocks for the
  // answer to it, which has the type `expected` and at least `minimum` bytes. A signal sends
  // kInterrupt once, if `interruptible`; the answer then tells what became of the call. -ENODEV:
  // the daemon is gone, or speaks nonsense.
  int call(ioctl::wire::Type type, std::span<std::byte> message, ioctl::wire::Type expected,
           size_t minimum, bool interruptible, Reply* reply, std::span<const int> fds = {});
  static constexpr size_t kMaxFds = 2;

 private:
  struct Call {
    // What wakes its thread: nothing yet, the answer, or that nobody reads.
    enum State : uint32_t { kWaiting, kDone, kLead };
    std::atomic<uint32_t> state{kWaiting};
    Reply reply;
    bool lost = false;
  };

  int send(std::span<const std::byte> message, std::span<const int> fds = {});
  // Reads one message for whoever it is for. False: a signal came first.
  bool read_one();
  void deliver(std::span<const std::byte> message, OwnedFd fd, bool fd_dropped);
  void lose();
  void pass_lead();

  OwnedFd socket_;
  std::vector<std::byte> buffer_;  // of the reader

  std::mutex mutex_;
  std::unordered_map<uint32_t, Call*> calls_;
  uint32_t next_id_ = 1;
  bool reading_ = false;
  bool lost_ = false;
};

}  // namespace fakegpu::umd
