// SPDX-License-Identifier: MIT
#include "fd_claims.h"

#include <sys/random.h>
#include <sys/timerfd.h>

#include <algorithm>

namespace fakegpu::cuse_dev {

FdClaims::FdClaims(const base::Clock& clock)
    : clock_(clock), timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

base::Result<FdClaims::Token> FdClaims::reserve(uid_t uid) {
  expire();
  const auto held = per_user_.find(uid);
  if (held != per_user_.end() && held->second >= kPerUser)
    return base::fail(ENFILE, "user {} claims no descriptor of {}", uid, held->second);
  Token token;
  if (::getrandom(token.data(), sizeof(token), 0) != sizeof(token))
    return base::fail_errno("getrandom");
  return token;
}

void FdClaims::keep(const Token& token, uid_t uid, std::unique_ptr<drv::File> file) {
  claims_.emplace(token, Claim{uid, clock_.now() + kLifetime, std::move(file)});
  ++per_user_[uid];
  if (claims_.size() == 1) arm();
}

FdClaims::Claims::iterator FdClaims::find(const Token& token, uid_t uid) {
  const auto claim = claims_.find(token);
  if (claim == claims_.end() || claim->second.uid != uid) return claims_.end();
  return clock_.now() < claim->second.until ? claim : claims_.end();
}

std::unique_ptr<drv::File> FdClaims::take(Claims::iterator claim) {
  std::unique_ptr<drv::File> file = std::move(claim->second.file);
  const auto held = per_user_.find(claim->second.uid);
  if (--held->second == 0) per_user_.erase(held);
  claims_.erase(claim);
  return file;
}

std::unique_ptr<drv::File> FdClaims::redeem(const Token& token, uid_t uid) {
  const auto claim = find(token, uid);
  return claim != claims_.end() ? take(claim) : nullptr;
}

drv::File* FdClaims::look(const Token& token, uid_t uid) {
  const auto claim = find(token, uid);
  return claim != claims_.end() ? claim->second.file.get() : nullptr;
}

void FdClaims::expire() {
  const base::Nanos now = clock_.now();
  for (auto claim = claims_.begin(); claim != claims_.end();) {
    const auto next = std::next(claim);
    if (claim->second.until <= now) take(claim);
    claim = next;
  }
  arm();
}

void FdClaims::clear() {
  claims_.clear();
  per_user_.clear();
}

// For the oldest; redeeming it leaves the timer alone, which then finds nothing to close.
void FdClaims::arm() {
  itimerspec at = {};
  const auto oldest = std::ranges::min_element(
      claims_, {}, [](const Claims::value_type& claim) { return claim.second.until; });
  if (oldest != claims_.end()) {
    const base::Nanos left = std::max<base::Nanos>(oldest->second.until - clock_.now(), 1);
    at.it_value = {.tv_sec = left / base::kNanosPerSecond, .tv_nsec = left % base::kNanosPerSecond};
  }
  timerfd_settime(timer_.get(), 0, &at, nullptr);
}

}  // namespace fakegpu::cuse_dev
