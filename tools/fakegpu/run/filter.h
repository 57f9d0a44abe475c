// SPDX-License-Identifier: MIT
// The seccomp filter of a run: which system calls the agent is asked about.
#pragma once

namespace fakegpu::tools::run {

// The calling thread and all that it starts from now on are under the filter, for good, and take on
// no privileges by exec (PR_SET_NO_NEW_PRIVS). Only calls of this machine's own architecture are
// looked at: ioctls whose type and number are those of a call that gives a descriptor, and, with
// `stat_family`, stat and its relatives.
// The listener's descriptor, with close-on-exec, or a negative errno; -EBUSY: the thread is under
// another program's listener already.
int install_filter(bool stat_family);

}  // namespace fakegpu::tools::run
