// SPDX-License-Identifier: MIT
// Which descriptors go over the socket.
#pragma once

namespace fakegpu::ioctl {

// The kinds that a call can have a use for: pipes and memory, as which the driver's own files are
// given out, and eventfds. Asking their inode and closing them never blocks. That of another kind
// may, for ever: a file of a FUSE mount asks the server of that mount, whoever it is.
// `fd`: open; the question itself asks nobody but the kernel.
bool may_pass(int fd);

}  // namespace fakegpu::ioctl
