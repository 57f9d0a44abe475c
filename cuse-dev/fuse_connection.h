// SPDX-License-Identifier: MIT
// The transport over one descriptor of /dev/cuse or /dev/fuse: reads requests, has libfuse decode
// them, and lets the device answer. CuseSession and FuseSession derive from it and add how the
// descriptor comes about and which operations there are.
//
// Signals for callers (FUSE_INTERRUPT) do not go through libfuse: it would run its callback under
// its own locks, for which each waiting call had to register first.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "fuse_device.h"
#include "loop.h"
#include "transport.h"

namespace fakegpu::cuse_dev {

class FuseConnection : public Transport {
 public:
  ~FuseConnection() override;

  std::string_view where() const override { return where_; }
  base::Result<> start(drv::Machine& machine, Owner& owner) override;
  void stop() override;

 protected:
  // `nodes`: shared with the daemon's other nodes; nullptr: this is the only one, and no descriptor
  // can be taken.
  FuseConnection(Loop& loop, std::shared_ptr<NodeFiles> nodes, bool unrestricted,
                 std::string where);

  // What libfuse's session is to be made with as its user data.
  void* user_data() { return this; }
  static FuseConnection& of(void* user_data) { return *static_cast<FuseConnection*>(user_data); }
  static FuseConnection& of(fuse_req_t request) { return of(fuse_req_userdata(request)); }
  // Takes over libfuse's session and the descriptor that it is to speak on.
  base::Result<> adopt(fuse_session* session, base::UniqueFd fd);
  // Serves until the kernel's INIT is answered; clients cannot reach anything before.
  base::Result<> handshake();
  // Called by the sessions' init operation.
  void set_initialised() { initialised_ = true; }
  // A last word on replies, before they are written; `userdata` is the FuseConnection.
  static ssize_t write_reply(int fd, iovec* ranges, int count, void* userdata);
  // In the reply to INIT only.
  virtual void amend_init_reply(std::span<const iovec>) {}
  // stop(): after the files are closed, before the session ends.
  virtual void tear_down() {}

  enum class Step { kServed, kDrained, kLost };
  // Reads and handles one request.
  Step serve_one();

  // Of the request that is being handled: its bytes and its name.
  std::span<const std::byte> request() const { return {buffer_.get(), request_bytes_}; }
  uint64_t unique() const { return unique_; }

  int fd() const { return fd_; }
  fuse_session* session() const { return session_; }

  // The operations that CUSE and FUSE have in common, as libfuse calls them.
  static void do_ioctl(fuse_req_t request, unsigned command, void* arg, fuse_file_info* info,
                       unsigned flags, const void* in, size_t in_bytes, size_t out_bytes);
  static void do_read(fuse_req_t request, size_t bytes, fuse_file_info* info);
  static void do_poll(fuse_req_t request, fuse_file_info* info, fuse_pollhandle* handle);
  static void do_write(fuse_req_t request);

  NodeFiles& nodes() { return *nodes_; }

 private:
  const std::shared_ptr<NodeFiles> nodes_;

 protected:
  FuseDevice device_;

 private:
  bool readable();

  Loop& loop_;
  const std::string where_;
  Owner* owner_ = nullptr;
  fuse_session* session_ = nullptr;
  int fd_ = -1;  // the session's
  std::unique_ptr<std::byte[]> buffer_;
  size_t request_bytes_ = 0;
  uint64_t unique_ = 0;
  bool initialised_ = false;
  bool amending_ = false;
  bool started_ = false;
  Loop::WatchId watch_ = 0;
};

}  // namespace fakegpu::cuse_dev
