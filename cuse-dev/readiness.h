// SPDX-License-Identifier: MIT
// Tells whoever started the daemon that it serves.
#pragma once

#include <string_view>

#include "base/result.h"

namespace fakegpu::cuse_dev {

// "READY\n" to `fd`, which is then closed. Negative: nobody asked.
void write_ready(int fd);

// systemd's sd_notify() protocol: one datagram to the socket at `address` ($NOTIFY_SOCKET: a path,
// or '@' and an abstract name). -EINVAL: no such address; else the errno of sending.
base::Result<> notify(std::string_view address, std::string_view state);

}  // namespace fakegpu::cuse_dev
