// SPDX-License-Identifier: MIT
// The descriptors of a call over the socket: what it takes came with the request, what it gives
// goes with the reply.
#pragma once

#include "drv/native_descriptors.h"
#include "ioctl/wire.h"

namespace fakegpu::cuse_dev {

class SocketDescriptors final : public drv::NativeCall {
 public:
  // `taken`: the descriptor of kPassed.
  SocketDescriptors(drv::NativeDescriptors& registry, drv::NativeDescriptors::Share& share,
                    const ioctl::wire::IoctlRequest& request, base::UniqueFd taken)
      : NativeCall(registry, share),
        kind_(request.taken),
        reserved_(request.reserved),
        taken_(std::move(taken)) {}

  drv::TakenFd take(int32_t) override {
    switch (kind_) {
      case ioctl::wire::Taken::kPassed:
        return take_owned(std::move(taken_));
      case ioctl::wire::Taken::kForeign:
        return {};
      default:
        return {.error = -EBADF};
    }
  }
  int reserve(bool close_on_exec) override {
    if (reserved_ != 0) return reserved_;
    keep_on_exec_ = !close_on_exec;
    return NativeCall::reserve(true);
  }
  int32_t install(std::unique_ptr<drv::File> file) override {
    NativeCall::install(std::move(file));
    return -1;
  }

  bool keep_on_exec() const { return keep_on_exec_; }

 private:
  const ioctl::wire::Taken kind_;
  const int reserved_;
  base::UniqueFd taken_;
  bool keep_on_exec_ = false;
};

}  // namespace fakegpu::cuse_dev
