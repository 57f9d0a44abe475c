// SPDX-License-Identifier: MIT
// Which transports a daemon gets.
#include <unistd.h>

#include "base/log.h"
#include "cuse_session.h"
#include "fuse_session.h"
#include "server.h"
#include "socket_transport.h"

namespace fakegpu::cuse_dev {
namespace {

using Made = base::Result<std::unique_ptr<Transport>>;

Made make_cuse(const Options& options, Loop& loop) {
  return CuseSession::create(
      loop, {.name = options.name, .mode = options.mode, .restricted = options.restricted});
}

Made make_fuse(const Options& options, Loop& loop) {
  FuseSession::Options fuse;
  fuse.directory = options.fuse_directory;
  fuse.mode = options.mode;
  fuse.link = options.link;
  fuse.bind = options.bind;
  return FuseSession::create(loop, fuse);
}

Made make_socket(const Options& options, Loop& loop) {
  return SocketTransport::create(
      loop, {.path = options.socket, .access = {options.mode, ::geteuid(), ::getegid()}});
}

}  // namespace

base::Result<std::vector<std::unique_ptr<Transport>>> make_transports(const Options& options,
                                                                      Loop& loop) {
  std::vector<std::unique_ptr<Transport>> made;
  const TransportKind kind = options.transport;
  const bool optional = kind == TransportKind::kAuto || kind == TransportKind::kAll;
  auto add = [&](const char* name, Made transport) -> base::Result<> {
    if (transport) {
      made.push_back(std::move(*transport));
      return {};
    }
    if (!optional) return tl::unexpected(std::move(transport).error());
    base::log(base::LogLevel::kInfo, "no {}: {}", name, transport.error().message());
    return {};
  };
  if (optional || kind == TransportKind::kCuse) FAKEGPU_TRY(add("cuse", make_cuse(options, loop)));
  const bool want_fuse = kind == TransportKind::kFuse || kind == TransportKind::kAll ||
                         (kind == TransportKind::kAuto && made.empty());
  if (want_fuse) FAKEGPU_TRY(add("fuse", make_fuse(options, loop)));
  if (kind == TransportKind::kSocket || !options.socket.empty())
    FAKEGPU_TRY(add("socket", make_socket(options, loop)));
  if (made.empty()) return base::fail(EOPNOTSUPP, "no transport works here");
  return made;
}

}  // namespace fakegpu::cuse_dev
