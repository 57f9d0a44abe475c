// SPDX-License-Identifier: MIT
// Whether anybody still has a dma-buf: memory has no hang-up as a pipe has. Each opening of it that
// is given out carries a lock (flock), which the kernel drops with the last descriptor and mapping
// of that opening; inotify tells when it is worth to look.
#pragma once

#include <vector>

#include "base/unique_fd.h"

namespace fakegpu::drv {

class MemoryWatch {
 public:
  MemoryWatch();

  // Polls readable when something was closed; -1: this system has no inotify to spare.
  int fd() const { return inotify_.get(); }

  // Opens `memory` again, since memfd_create()'s own descriptor raises no events: for us to ask
  // with, and for somebody to have. Empty: there is no /proc.
  static base::UniqueFd open_again(int memory);
  static base::UniqueFd open_for_client(int memory, bool writable);
  // `opened`: an opening that nobody else has. Whether clients have none.
  static bool is_unused(int opened);

  // To be told of by closed(): a number for it, or -1.
  int add(int memory);
  void remove(int watch);

  // The numbers of what may have lost its last opening. `all`: it may be anything.
  std::vector<int> closed(bool& all);

 private:
  base::UniqueFd inotify_;
};

}  // namespace fakegpu::drv
