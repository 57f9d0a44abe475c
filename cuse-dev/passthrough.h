// SPDX-License-Identifier: MIT
// FUSE passthrough: the kernel (6.9 and later) maps and reads a file of ours for the client, so
// that mmap() of the device file is the arena itself. libfuse 3.14 and the headers of its time know
// nothing of it, so the numbers are here, and the reply to INIT is changed on its way out.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {

// True if the kernel offers it in this INIT request (header and fuse_init_in).
bool offers_passthrough(std::span<const std::byte> init_request);

// Turns it on in an INIT reply (header and fuse_init_out in the parts that libfuse writes). False:
// not a successful reply with room for it; nothing is changed.
bool request_passthrough(std::span<const iovec> init_reply);

// Bytes of the reply to OPEN: direct I/O, so that ioctl, poll and read reach the daemon, with the
// backing file for mmap.
struct PassthroughOpenReply {
  uint32_t length;
  int32_t error;
  uint64_t unique;
  uint64_t file_handle;
  uint32_t open_flags;
  int32_t backing_id;
};
static_assert(sizeof(PassthroughOpenReply) == 32);
PassthroughOpenReply passthrough_open_reply(uint64_t unique, uint64_t file_handle,
                                            int32_t backing_id);

// Registers a file with a connection (its /dev/fuse descriptor). Needs CAP_SYS_ADMIN.
base::Result<int32_t> open_backing(int connection, int file);
void close_backing(int connection, int32_t backing_id);

}  // namespace fakegpu::cuse_dev
