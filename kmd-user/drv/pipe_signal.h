// SPDX-License-Identifier: MIT
#pragma once

namespace fakegpu::drv {

// Makes the other end of a pipe readable. Any thread. Nothing if nobody is there: without SIGPIPE,
// which a library may not ignore for its program.
void signal_pipe(int write_end);

}  // namespace fakegpu::drv
