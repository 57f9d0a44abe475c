// SPDX-License-Identifier: MIT
#include "fd_requests.h"

#include <cstring>

namespace fakegpu::umd {

namespace wire = ioctl::wire;

int FdRequests::request(Connection& connection, wire::Type type, uint32_t handle, OwnedFd* fd,
                        uint64_t* offset) {
  wire::GetFd get = {};
  get.handle = handle;
  Connection::Reply reply;
  const int result = connection.call(type, std::as_writable_bytes(std::span(&get, 1)),
                                     wire::Type::kFdReply, sizeof(wire::FdReply), false, &reply);
  if (result != 0) return result;
  wire::FdReply answer;
  std::memcpy(&answer, reply.bytes.data(), sizeof(answer));
  if (answer.result != 0) return answer.result;
  if (!reply.fd) return -ENODEV;
  *fd = std::move(reply.fd);
  *offset = answer.offset;
  return 0;
}

int FdRequests::bo_pages(Connection& connection, const BoRange& bo, BoPages* out) {
  if (bo.shareable) {
    const int result =
        request(connection, wire::Type::kGetBo, bo.handle, &out->owned, &out->offset);
    out->fd = out->owned.get();
    return result;
  }
  std::lock_guard lock(mutex_);
  if (!arena_) {
    uint64_t unused;
    const int result = request(connection, wire::Type::kGetArena, 0, &arena_, &unused);
    if (result != 0) return result;
  }
  out->fd = arena_.get();
  out->offset = bo.offset;
  return 0;
}

}  // namespace fakegpu::umd
