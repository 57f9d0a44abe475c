// SPDX-License-Identifier: MIT
// A file of a FUSE server that answers nothing once the file is open: whoever asks it (fstat,
// ioctl, read, close) waits until the server is gone, or, as FUSE has it, until a signal comes.
#pragma once

#include <sys/types.h>

#include <atomic>

#include "base/unique_fd.h"

namespace fakegpu::support {

// The server is a process of its own. It does let go the process that made it, lest that could not
// end: a close there returns, and is counted as every request is.
class HangingFile {
 public:
  // Throws std::runtime_error. Where lacking() is nothing.
  HangingFile();
  // The server goes first, which releases whoever waits.
  ~HangingFile();
  HangingFile(const HangingFile&) = delete;
  HangingFile& operator=(const HangingFile&) = delete;

  // What such a file takes that is not here, for GTEST_SKIP(); nullptr: nothing.
  static const char* lacking();

  int fd() const { return file_.get(); }
  // How many requests have come for the open file, from whomever.
  unsigned asked() const { return *asked_; }
  // Nobody waits any longer, and later requests fail.
  void end();

 private:
  // Shared with the server.
  std::atomic<unsigned>* const asked_;
  pid_t server_ = -1;
  base::UniqueFd file_;
};

}  // namespace fakegpu::support
