// SPDX-License-Identifier: MIT
// Ioctls of the device that give a descriptor, on behalf of a program that makes them the plain
// way.
#pragma once

#include "listener.h"

namespace fakegpu::tools::run {

// Answers the call if it is made on a file of the device; lets the kernel carry it out if not. Any
// thread; blocks as the ioctl does.
void answer_fd_call(const Listener& listener, const struct seccomp_notif& call);

}  // namespace fakegpu::tools::run
