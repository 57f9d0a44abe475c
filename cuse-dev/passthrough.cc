// SPDX-License-Identifier: MIT
#include "passthrough.h"

#include <linux/fuse.h>
#include <sys/ioctl.h>

#include <cstring>

namespace fakegpu::cuse_dev {
namespace {

// include/uapi/linux/fuse.h of 7.40.
constexpr uint32_t kPassthroughFlags2 = 1u << (37 - 32);  // FUSE_PASSTHROUGH
constexpr uint32_t kFopenPassthrough = 1u << 7;
constexpr size_t kMaxStackDepthOffset = 36;  // fuse_init_out.max_stack_depth, unused before
struct BackingMap {
  int32_t fd;
  uint32_t flags;
  uint64_t padding;
};
constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
constexpr unsigned long kBackingClose = _IOW(229, 2, uint32_t);

static_assert(offsetof(fuse_init_out, flags2) == 32 && sizeof(fuse_init_out) == 64);

}  // namespace

bool offers_passthrough(std::span<const std::byte> request) {
  fuse_in_header header;
  fuse_init_in init;
  if (request.size() < sizeof(header) + sizeof(init)) return false;
  std::memcpy(&header, request.data(), sizeof(header));
  std::memcpy(&init, request.data() + sizeof(header), sizeof(init));
  return header.opcode == FUSE_INIT && (init.flags & FUSE_INIT_EXT) != 0 &&
         (init.flags2 & kPassthroughFlags2) != 0;
}

bool request_passthrough(std::span<const iovec> reply) {
  if (reply.size() != 2 || reply[0].iov_len != sizeof(fuse_out_header) ||
      reply[1].iov_len != sizeof(fuse_init_out))
    return false;
  if (static_cast<const fuse_out_header*>(reply[0].iov_base)->error != 0) return false;
  auto* bytes = static_cast<std::byte*>(reply[1].iov_base);
  fuse_init_out init;
  std::memcpy(&init, bytes, sizeof(init));
  init.flags |= FUSE_INIT_EXT;
  init.flags2 |= kPassthroughFlags2;
  // A cache of writes cannot be had together with passthrough.
  init.flags &= ~uint32_t{FUSE_WRITEBACK_CACHE};
  std::memcpy(bytes, &init, sizeof(init));
  // One file system below ours: the memfd's.
  const uint32_t depth = 1;
  std::memcpy(bytes + kMaxStackDepthOffset, &depth, sizeof(depth));
  return true;
}

PassthroughOpenReply passthrough_open_reply(uint64_t unique, uint64_t file_handle,
                                            int32_t backing_id) {
  return {sizeof(PassthroughOpenReply),        0,         unique, file_handle,
          FOPEN_DIRECT_IO | kFopenPassthrough, backing_id};
}

base::Result<int32_t> open_backing(int connection, int file) {
  BackingMap map{.fd = file, .flags = 0, .padding = 0};
  const int id = ::ioctl(connection, kBackingOpen, &map);
  if (id < 0) return base::fail_errno("FUSE_DEV_IOC_BACKING_OPEN");
  return id;
}

void close_backing(int connection, int32_t backing_id) {
  const auto id = static_cast<uint32_t>(backing_id);
  ::ioctl(connection, kBackingClose, &id);
}

}  // namespace fakegpu::cuse_dev
