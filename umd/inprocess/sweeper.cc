// SPDX-License-Identifier: MIT
#include "inprocess/sweeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <unistd.h>
#include <cstdint>

namespace fakegpu::umd {

base::Result<> Sweeper::start(drv::NativeDescriptors& descriptors) {
  wake_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!wake_) return base::fail_errno("eventfd");
  // The program's signals are for its own threads.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([&descriptors, wake = wake_.get()] {
    pollfd waits[2] = {{descriptors.fd(), POLLIN, 0}, {wake, POLLIN, 0}};
    while (waits[1].revents == 0) {
      if (::poll(waits, 2, -1) > 0 && waits[0].revents != 0) descriptors.sweep();
    }
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

void Sweeper::stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
  thread_.join();
}

}  // namespace fakegpu::umd
