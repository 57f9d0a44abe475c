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

Made make_cuse(const Options& options, Loop& loop, std::shared_ptr<NodeFiles> nodes,
               const std::string& name, NodeKind kind) {
  return CuseSession::create(loop, {.name = name,
                                    .kind = kind,
                                    .mode = options.mode,
                                    .restricted = options.restricted,
                                    .nodes = std::move(nodes)});
}

// The nodes beside the main one, which is there. They were named, so they are wanted; but sw_sync's
// name is often only our default.
base::Result<> add_cuse_nodes(const Options& options, Loop& loop,
                              const std::shared_ptr<NodeFiles>& files,
                              std::vector<std::unique_ptr<Transport>>& made) {
  const struct {
    const std::string& name;
    NodeKind kind;
    bool needed;
  } nodes[] = {{options.card, NodeKind::kPrimary, true},
               {options.render, NodeKind::kRender, true},
               {options.sw_sync, NodeKind::kSwSync, options.sw_sync_needed}};
  for (const auto& [name, kind, needed] : nodes) {
    if (name.empty()) continue;
    auto node = make_cuse(options, loop, files, name, kind);
    if (node) {
      made.push_back(std::move(*node));
    } else if (needed) {
      return tl::unexpected(std::move(node).error());
    } else {
      base::log(base::LogLevel::kInfo, "no {}: {}", name, node.error().message());
    }
  }
  return {};
}

Made make_fuse(const Options& options, Loop& loop, std::shared_ptr<NodeFiles> nodes) {
  FuseSession::Options fuse;
  fuse.nodes = std::move(nodes);
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
  const std::shared_ptr<NodeFiles> nodes =
      kind == TransportKind::kSocket
          ? nullptr
          : make_node_files(loop, std::make_unique<ProcessFdTaker>(loop));
  if (optional || kind == TransportKind::kCuse) {
    FAKEGPU_TRY(
        add("cuse", make_cuse(options, loop, nodes, options.name, kind_of_name(options.name))));
    if (!made.empty()) FAKEGPU_TRY(add_cuse_nodes(options, loop, nodes, made));
  }
  const bool want_fuse = kind == TransportKind::kFuse || kind == TransportKind::kAll ||
                         (kind == TransportKind::kAuto && made.empty());
  if (want_fuse) FAKEGPU_TRY(add("fuse", make_fuse(options, loop, nodes)));
  if (kind == TransportKind::kSocket || !options.socket.empty())
    FAKEGPU_TRY(add("socket", make_socket(options, loop)));
  if (made.empty()) return base::fail(EOPNOTSUPP, "no transport works here");
  return made;
}

}  // namespace fakegpu::cuse_dev
