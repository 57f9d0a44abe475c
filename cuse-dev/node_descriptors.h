// SPDX-License-Identifier: MIT
// The caller's descriptor table during one call on a node: what it names was fetched before, what
// it is given goes among the claims.
#pragma once

#include <fakegpu_drm.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>

#include "drv/descriptors.h"
#include "fd_claims.h"

namespace fakegpu::cuse_dev {

class NodeDescriptors final : public drv::Descriptors {
 public:
  // `claim`: as it follows the struct, or empty: the caller makes no claim. `taken`: what the
  // descriptor that the call takes was found to be.
  NodeDescriptors(FdClaims& claims, uid_t uid, std::span<std::byte> claim, drv::TakenFd taken)
      : claims_(claims), uid_(uid), claim_(claim), taken_(std::move(taken)) {}

  // Whether a claim can be understood: 0 or -EINVAL.
  static int check(std::span<const std::byte> claim);

  // drv::Descriptors.
  drv::TakenFd take(int32_t) override { return std::move(taken_); }
  int reserve(bool close_on_exec) override;
  int32_t install(std::unique_ptr<drv::File> file) override;

 private:
  FdClaims& claims_;
  const uid_t uid_;
  std::span<std::byte> claim_;
  drv::TakenFd taken_;
  FdClaims::Token token_ = {};
};

}  // namespace fakegpu::cuse_dev
