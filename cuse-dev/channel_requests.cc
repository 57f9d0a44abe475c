// SPDX-License-Identifier: MIT
#include "channel_requests.h"

#include <cerrno>

namespace fakegpu::cuse_dev {

namespace wire = ioctl::wire;

namespace {

base::Result<drv::File::Backing> find(drv::File* file, const wire::GetFd& request) {
  if (file == nullptr) return base::fail(ENODEV, "the file is closed");
  if (request.header.type == wire::Type::kGetArena) return file->pages();
  if (request.header.type == wire::Type::kGetFencePage)
    return file->fence_page(drv::File::Sleepers::kExpected);
  return file->bo_backing(request.handle);
}

}  // namespace

void send_descriptor(drv::File* file, const wire::GetFd& request, SocketSender& sender) {
  auto found = find(file, request);
  wire::FdReply reply = {};
  reply.header = {wire::kMagic, wire::Type::kFdReply, request.header.id, sizeof(reply)};
  if (found) {
    reply.offset = found->offset;
    reply.size = found->size;
    const int error = sender.send(
        {.head = std::as_bytes(std::span(&reply, 1)), .descriptor = std::move(found->fd)});
    if (error == 0) return;
    reply.offset = 0;
    reply.size = 0;
    reply.result = error;
  } else {
    reply.result = found.error().negated();
  }
  sender.send({.head = std::as_bytes(std::span(&reply, 1))});
}

}  // namespace fakegpu::cuse_dev
