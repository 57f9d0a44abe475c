// SPDX-License-Identifier: MIT
#include "channel_tokens.h"

#include <sys/random.h>

namespace fakegpu::drv {

base::Result<ChannelTokens::Token> ChannelTokens::issue(FileImpl& file, uint32_t uid,
                                                        base::Nanos now) {
  Token token;
  if (::getrandom(token.data(), sizeof(token), 0) != sizeof(token))
    return base::fail_errno("getrandom");
  if (token == Token{}) token[0] = 1;  // 0,0 means "a new file" on the socket

  size_t held = 0;
  auto oldest = issued_.end();
  for (auto at = issued_.begin(); at != issued_.end(); ++at) {
    if (at->second.file != &file) continue;
    ++held;
    if (oldest == issued_.end() || at->second.at < oldest->second.at) oldest = at;
  }
  if (held >= kPerFile) issued_.erase(oldest);
  issued_.emplace(token, Issued{&file, uid, now});
  return token;
}

FileImpl* ChannelTokens::redeem(const Token& token, uint32_t uid, base::Nanos now) {
  const auto found = issued_.find(token);
  if (found == issued_.end()) return nullptr;
  const Issued issued = found->second;
  if (issued.uid != uid) return nullptr;  // stays valid for its owner
  issued_.erase(found);
  return now - issued.at <= kLifetime ? issued.file : nullptr;
}

void ChannelTokens::forget(FileImpl& file) {
  std::erase_if(issued_, [&file](const auto& entry) { return entry.second.file == &file; });
}

}  // namespace fakegpu::drv
