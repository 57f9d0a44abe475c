// SPDX-License-Identifier: MIT
// The daemon's UNIX socket: a transport for clients without a device node, and the channel that
// gives descriptors to those that have one. Needs no privilege.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "access.h"
#include "base/unique_fd.h"
#include "loop.h"
#include "socket_connection.h"
#include "socket_listener.h"
#include "transport.h"

namespace fakegpu::cuse_dev {

class SocketTransport final : public Transport {
 public:
  struct Options {
    std::string path = "/run/fakegpu/socket";
    // Who may open files by the socket. Everybody may connect.
    Access access;
    // Beyond these a connection is closed as soon as it is made.
    unsigned max_connections = 1024;
    unsigned max_per_uid = 256;
  };

  // The socket is there on return, and connections wait for start(). Errors:
  // SocketListener::create.
  static base::Result<std::unique_ptr<Transport>> create(Loop& loop, const Options& options);
  ~SocketTransport() override;

  std::string_view name() const override { return "socket"; }
  std::string_view where() const override { return options_.path; }
  base::Result<> start(drv::Machine& machine, Owner& owner) override;
  void stop() override;

 private:
  struct Client {
    uint64_t id;
    Loop::WatchId watch;
    SocketConnection connection;
  };

  SocketTransport(Loop& loop, const Options& options, std::unique_ptr<SocketListener> listener,
                  base::UniqueFd writable);

  // One connection, message, or round of reports each, as the loop wants it.
  bool accept_one();
  bool serve_one(Client& client, int socket);
  bool flush_some();

  base::Result<> add(base::UniqueFd socket);
  void drop(Client& client);
  bool shed_one();

  Loop& loop_;
  const Options options_;
  std::unique_ptr<SocketListener> listener_;
  // An epoll descriptor that becomes readable when a full socket takes messages again. The loop
  // watches for reading only.
  base::UniqueFd writable_;
  // Given up for a moment to accept, and close, a connection when there are no descriptors left:
  // it would be reported forever otherwise.
  base::UniqueFd spare_;
  bool shedding_ = false;
  drv::Machine* machine_ = nullptr;
  std::unique_ptr<drv::NativeDescriptors> descriptors_;
  Loop::WatchId listener_watch_ = 0;
  Loop::WatchId writable_watch_ = 0;
  Loop::WatchId descriptors_watch_ = 0;
  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Client>> clients_;
  std::unordered_map<uint32_t, unsigned> per_uid_;
  // One request is handled at a time.
  std::unique_ptr<std::byte[]> request_;
  std::unique_ptr<std::byte[]> reply_;
};

}  // namespace fakegpu::cuse_dev
