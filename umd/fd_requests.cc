// SPDX-License-Identifier: MIT
#include "fd_requests.h"

#include <cstring>

namespace fakegpu::umd {

namespace wire = ioctl::wire;

int FdRequests::request(Connection& connection, wire::Type type, uint32_t handle, OwnedFd* fd,
                        wire::FdReply* answer) {
  wire::GetFd get = {};
  get.handle = handle;
  return ask(connection, type, std::as_writable_bytes(std::span(&get, 1)), fd, answer);
}

int FdRequests::ask(Connection& connection, wire::Type type, std::span<std::byte> message,
                    OwnedFd* fd, wire::FdReply* answer) {
  Connection::Reply reply;
  const int result =
      connection.call(type, message, wire::Type::kFdReply, sizeof(wire::FdReply), false, &reply);
  if (result != 0) return result;
  std::memcpy(answer, reply.bytes.data(), sizeof(*answer));
  if (answer->result != 0) return answer->result;
  if (!reply.fd) return reply.fd_dropped ? -EMFILE : -ENODEV;
  *fd = std::move(reply.fd);
  return 0;
}

int FdRequests::bo_pages(Connection& connection, const BoRange& bo, BoPages* out) {
  wire::FdReply answer = {};
  if (bo.shareable) {
    const int result = request(connection, wire::Type::kGetBo, bo.handle, &out->owned, &answer);
    out->fd = out->owned.get();
    out->offset = answer.offset;
    return result;
  }
  std::lock_guard lock(mutex_);
  if (!arena_) {
    const int result = request(connection, wire::Type::kGetArena, 0, &arena_, &answer);
    if (result != 0) return result;
  }
  out->fd = arena_.get();
  out->offset = bo.offset;
  return 0;
}

int FdRequests::fence_pages(Connection& connection, FencePages* out) {
  wire::FdReply answer = {};
  const int result = request(connection, wire::Type::kGetFencePage, 0, &out->fd, &answer);
  out->size = answer.size;
  out->sleep = true;
  return result;
}

}  // namespace fakegpu::umd
