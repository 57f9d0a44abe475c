// SPDX-License-Identifier: MIT
// A fakegpud that a test starts in a folder of its own and ends in every way that a daemon can end.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fakegpu::support {

class DaemonProcess {
 public:
  // Runs `program` and waits until it serves. `transport`: "socket", "fuse" or "cuse". `options`:
  // more words of its command line. `beside`: there is another one, which has the nodes of which
  // CUSE has one each. Throws std::runtime_error.
  DaemonProcess(const std::string& program, const std::string& transport,
                const std::vector<std::string>& options, bool beside = false);
  // SIGTERM, waits, removes the folder.
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // For fakegpu_device_open(): a render node, and the primary one.
  const std::string& where() const { return where_; }
  const std::string& card() const { return card_; }
  // Of the sw_sync node; empty: the transport has none.
  const std::string& sw_sync() const { return sw_sync_; }
  pid_t pid() const { return pid_; }

  // Sends `signal` and waits for the end. The status is waitpid()'s.
  int end(int signal);

 private:
  void wait_ready(int fd);

  std::string folder_;
  std::string where_;
  std::string card_;
  std::string sw_sync_;
  pid_t pid_ = -1;
};

}  // namespace fakegpu::support
