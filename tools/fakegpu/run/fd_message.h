// SPDX-License-Identifier: MIT
// One descriptor through a UNIX socket (SCM_RIGHTS).
#pragma once

#include "owned.h"

namespace fakegpu::tools::run {

// 0 or a negative errno.
int send_fd(int socket, int fd);

// With close-on-exec. None: the other end was closed.
umd::OwnedFd receive_fd(int socket);

}  // namespace fakegpu::tools::run
