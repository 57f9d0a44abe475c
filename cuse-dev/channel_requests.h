// SPDX-License-Identifier: MIT
// What the channel hands out: the descriptors of an open file's memory (kGetArena, kGetBo,
// kGetFencePage).
#pragma once

#include <cstdint>

#include "drv/file.h"
#include "ioctl/wire.h"
#include "socket_sender.h"

namespace fakegpu::cuse_dev {

// Answers the request by a kFdReply; `file` may be nullptr: it is closed (-ENODEV).
void send_descriptor(drv::File* file, const ioctl::wire::GetFd& request, SocketSender& sender);

}  // namespace fakegpu::cuse_dev
