// SPDX-License-Identifier: MIT
// Descriptors from process to process, over a UNIX socket (SCM_RIGHTS).
#pragma once

namespace fakegpu::conformance {

// Sends `fd` with one byte, without waiting for room. False: it did not go.
bool send_fd(int socket, int fd);
// The descriptor of the next message, close-on-exec; -1: there is no message, or none came with it.
int receive_fd(int socket);

}  // namespace fakegpu::conformance
