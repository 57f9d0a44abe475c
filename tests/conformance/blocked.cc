// SPDX-License-Identifier: MIT
#include "blocked.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "client.h"

namespace fakegpu::conformance {

namespace {

// The most trips that the kernel makes for one call: for its struct, its arrays, and to execute it
// (FUSE_IOCTL_RETRY).
constexpr int kTrips = 3;

char state_of(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(file, text);
  // The name, in parentheses, may hold anything.
  const size_t end = text.rfind(')');
  return end == std::string::npos || end + 2 >= text.size() ? '?' : text[end + 2];
}

}  // namespace

BlockedThread::BlockedThread(std::function<void()> body)
    : thread_([this, body = std::move(body)] {
        id_ = ::gettid();
        body();
        ended_ = true;
      }) {}

BlockedThread::~BlockedThread() {
  if (thread_.joinable()) thread_.join();
}

void BlockedThread::wait_until_blocked() const {
  while (id_ == 0 || (!ended_ && state_of(id_) != 'S')) std::this_thread::yield();
}

void BlockedThread::wait_until_arrived(const Client& client) const {
  // Calls on a device are served in their order. So when another one is answered, a trip that slept
  // before has been served, and its thread sleeps again only in the next one.
  for (int trip = 0; trip < kTrips; ++trip) {
    wait_until_blocked();
    drm_get_cap cap = {.capability = DRM_CAP_SYNCOBJ};
    client.call(DRM_IOCTL_GET_CAP, cap);
  }
  wait_until_blocked();
}

}  // namespace fakegpu::conformance
