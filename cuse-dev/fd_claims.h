// SPDX-License-Identifier: MIT
// Open files that an ioctl gave to a caller who cannot be handed a descriptor, until the caller
// opens a node and attaches to them (struct drm_fakegpu_fd_claim).
//
// The thread that serves the nodes.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "drv/file.h"

namespace fakegpu::cuse_dev {

class FdClaims {
 public:
  using Token = std::array<uint64_t, 2>;

  // How long a claim is kept, and how many of one user. The in-between is a few system calls.
  static constexpr base::Nanos kLifetime = 10 * base::kNanosPerSecond;
  static constexpr size_t kPerUser = 256;

  explicit FdClaims(const base::Clock& clock);

  // A token that nobody has, for keep() during the same call. -ENFILE: `uid` has kPerUser claims.
  base::Result<Token> reserve(uid_t uid);
  void keep(const Token& token, uid_t uid, std::unique_ptr<drv::File> file);

  // The file, once; nullptr: no such claim, too old, or another user's, who keeps it.
  std::unique_ptr<drv::File> redeem(const Token& token, uid_t uid);
  // The same, left where it is; valid until the next call.
  drv::File* look(const Token& token, uid_t uid);

  // Closes what is too old, or everything.
  void expire();
  void clear();

  // Readable when expire() has something to do.
  int timer() const { return timer_.get(); }
  size_t size() const { return claims_.size(); }

 private:
  struct Claim {
    uid_t uid;
    base::Nanos until;
    std::unique_ptr<drv::File> file;
  };
  using Claims = std::map<Token, Claim>;
  Claims::iterator find(const Token& token, uid_t uid);
  std::unique_ptr<drv::File> take(Claims::iterator claim);
  void arm();

  const base::Clock& clock_;
  base::UniqueFd timer_;
  Claims claims_;
  std::unordered_map<uid_t, size_t> per_user_;
};

}  // namespace fakegpu::cuse_dev
