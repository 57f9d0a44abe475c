// SPDX-License-Identifier: MIT
#include "fd_names.h"

#include <charconv>

namespace fakegpu::cuse_dev {
namespace {

constexpr std::string_view kPrefix = "fd-";
constexpr size_t kDigits = 16;  // of half a token

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::optional<FdClaims::Token> FdNames::parse(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  FdClaims::Token token = {};
  if (name.size() != token.size() * kDigits || !is_lower_hex(name)) return std::nullopt;
  for (uint64_t& half : token) {
    std::from_chars(name.data(), name.data() + kDigits, half, 16);
    name.remove_prefix(kDigits);
  }
  return token;
}

FdNames::NodeId FdNames::look_up(std::string_view name, uid_t uid, gid_t gid, NodeId fresh) {
  const auto token = parse(name);
  if (!token) return 0;
  drv::File* const file = claims_.look(*token, uid);
  if (file == nullptr) return 0;
  if (const auto known = waiting_.find(*token); known != waiting_.end()) return known->second;
  forget_redeemed();
  const auto pages = file->pages();
  nodes_.emplace(fresh, Node{*token, uid, gid, pages ? pages->size : 0});
  waiting_.emplace(*token, fresh);
  return fresh;
}

const FdNames::Node* FdNames::find(NodeId node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() ? &found->second : nullptr;
}

std::unique_ptr<drv::File> FdNames::open(NodeId node, uid_t uid) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.open) return nullptr;
  std::unique_ptr<drv::File> file = claims_.redeem(found->second.token, uid);
  if (file) {
    found->second.open = true;
    waiting_.erase(found->second.token);
  }
  return file;
}

// Bounds what a user who never opens can make this keep, by what the claims let him have.
void FdNames::forget_redeemed() {
  std::erase_if(waiting_, [this](const auto& entry) {
    const auto& [token, node] = entry;
    if (claims_.look(token, nodes_.at(node).uid) != nullptr) return false;
    nodes_.erase(node);
    return true;
  });
}

}  // namespace fakegpu::cuse_dev
