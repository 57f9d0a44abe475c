// SPDX-License-Identifier: MIT
#include "node_descriptors.h"

#include <cerrno>
#include <cstring>

namespace fakegpu::cuse_dev {
namespace {

drm_fakegpu_fd_claim load(std::span<const std::byte> bytes) {
  drm_fakegpu_fd_claim claim = {};
  std::memcpy(&claim, bytes.data(), std::min(bytes.size(), sizeof(claim)));
  return claim;
}

}  // namespace

int NodeDescriptors::check(std::span<const std::byte> bytes) {
  const drm_fakegpu_fd_claim claim = load(bytes);
  return claim.magic == DRM_FAKEGPU_FD_CLAIM_MAGIC &&
                 (claim.flags & ~DRM_FAKEGPU_FD_CLAIM_FULL) == 0
             ? 0
             : -EINVAL;
}

// Whether it is close-on-exec is for the caller to say when it opens the node.
int NodeDescriptors::reserve(bool) {
  if (claim_.empty()) return -EOPNOTSUPP;
  if ((load(claim_).flags & DRM_FAKEGPU_FD_CLAIM_FULL) != 0) return -EMFILE;
  const auto token = claims_.reserve(uid_);
  if (!token) return token.error().negated();
  token_ = *token;
  return 0;
}

int32_t NodeDescriptors::install(std::unique_ptr<drv::File> file) {
  claims_.keep(token_, uid_, std::move(file));
  drm_fakegpu_fd_claim claim = load(claim_);
  std::memcpy(claim.token, token_.data(), sizeof(claim.token));
  std::memcpy(claim_.data(), &claim, sizeof(claim));
  return -1;
}

}  // namespace fakegpu::cuse_dev
