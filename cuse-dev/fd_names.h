// SPDX-License-Identifier: MIT
// The names by which claims can be opened in the FUSE directory: "fd-" and the token's 32 hex
// digits. A file that is opened so knows from the beginning what it is, and so mmap() of it can
// show a dma-buf's memory, which ATTACH comes too late for.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "fd_claims.h"

namespace fakegpu::cuse_dev {

// In the thread that serves the connection.
class FdNames {
 public:
  using NodeId = uint64_t;
  struct Node {
    FdClaims::Token token;
    uid_t uid;
    gid_t gid;
    uint64_t bytes;  // of the memory that mmap() shows
    bool open = false;
  };

  explicit FdNames(FdClaims& claims) : claims_(claims) {}

  // "fd-0123..": the token.
  static std::optional<FdClaims::Token> parse(std::string_view name);

  // The node of a claim of this user's; `fresh` if it has none yet. 0: no such name.
  NodeId look_up(std::string_view name, uid_t uid, gid_t gid, NodeId fresh);
  // nullptr: a node without such a name.
  const Node* find(NodeId node) const;

  // Redeems the claim. nullptr: it was, or is too old, or another user's.
  std::unique_ptr<drv::File> open(NodeId node, uid_t uid);
  // The file that open() gave is closed.
  void close(NodeId node) { nodes_.erase(node); }

 private:
  void forget_redeemed();

  FdClaims& claims_;
  std::unordered_map<NodeId, Node> nodes_;
  std::map<FdClaims::Token, NodeId> waiting_;  // looked up and not opened
};

}  // namespace fakegpu::cuse_dev
