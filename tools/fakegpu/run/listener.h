// SPDX-License-Identifier: MIT
// The supervisor's end of a seccomp filter (seccomp_unotify(2)): calls come in, answers go out.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "owned.h"

namespace fakegpu::tools::run {

class Listener {
 public:
  explicit Listener(umd::OwnedFd fd);

  int fd() const { return fd_.get(); }

  // The next call, blocking; false: nobody is left who could call. One thread at a time.
  bool receive(struct seccomp_notif* call);

  // The rest: any thread, at the same time too. What concerns a caller that is gone does nothing.

  // The caller still waits for this answer, so its thread id still names it.
  bool waits(const struct seccomp_notif& call) const;

  // Puts a duplicate of `fd` into the caller's table: the number there, or a negative errno.
  int install(const struct seccomp_notif& call, int fd, bool close_on_exec) const;

  // The call's result, 0 or a negative errno.
  void answer(const struct seccomp_notif& call, int result) const;

  // The kernel is to carry the call out as if there were no filter.
  void pass(const struct seccomp_notif& call) const;

 private:
  void send(struct seccomp_notif_resp response) const;

  const umd::OwnedFd fd_;
  std::vector<std::byte> buffer_;  // as large as this kernel's struct
};

}  // namespace fakegpu::tools::run
