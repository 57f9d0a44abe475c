// SPDX-License-Identifier: MIT
// Callers that die while the daemon takes a descriptor of theirs: nothing is left of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "../support/hanging_file.h"
#include "client.h"
#include "fd_table.h"
#include "ioctl/drm_core.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;

// The letter of its state in /proc; 0: it is gone.
char state_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t end = text.rfind(')');
  return end != std::string::npos && end + 2 < text.size() ? text[end + 2] : '\0';
}

// The daemon's process that takes descriptors; 0: there is none.
pid_t taker() {
  const std::string pid = std::to_string(daemon_pid());
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child; children >> child;) {
    std::ifstream comm("/proc/" + std::to_string(child) + "/comm");
    std::string name;
    // One that was replaced is reaped at the next use.
    if (std::getline(comm, name) && name == "fakegpud-fds" && state_of(child) != 'Z') return child;
  }
  return 0;
}

// Whether `condition` comes true, in the time that a machine under load may need.
bool eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

// A call that takes a descriptor, who makes it, and what prepares it.
using Call = std::function<int()>;
using Maker = std::function<int(const Call&)>;
using Take = std::function<int(const Client&, const Maker&)>;

// A process with an open file of its own.
class Caller {
 public:
  // `make` makes the calls; the constructor returns just before.
  Caller(const Take& take, const Maker& make) : process_(start(take, make)) {}

  // Whether it has ended by the signal.
  bool kill() {
    ::kill(process_, SIGKILL);
    return eventually([this] { return is_gone(); });
  }
  void kill_and_leave() const { ::kill(process_, SIGKILL); }
  bool is_gone() {
    if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == process_) process_ = 0;
    return process_ == 0;
  }
  // Asleep, as in a call.
  bool sleeps() const { return state_of(process_) == 'S'; }

 private:
  static pid_t start(const Take& take, const Maker& make) {
    const Fd ready(::eventfd(0, EFD_CLOEXEC));
    const pid_t process = ::fork();
    if (process == 0) {
      const Client client;
      take(client, [&](const Call& call) {
        ::eventfd_write(ready, 1);
        return make(call);
      });
      ::_exit(0);
    }
    eventfd_t said = 0;
    EXPECT_EQ(::eventfd_read(ready, &said), 0);
    return process;
  }

  pid_t process_;
};

int once(const Call& call) {
  return call();
}
int for_ever(const Call& call) {
  for (;;) call();
}

class NodeTaker : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GT(taker(), 0);
    // What is made at the first use of a thing is made then.
    serve_others();
    // Answered after the closing of the others.
    bytes_ = client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes;
    daemons_ = descriptors_of(daemon_pid());
    // It answers before it closes what it has sent.
    for (int look = 0; look < 5; ++look) {
      client_.heap(DRM_FAKEGPU_HEAP_VRAM);
      own_ = std::min(own_, own_descriptors());
    }
  }

  static uint32_t syncobj(const Client& client) {
    return client.make_syncobj(DRM_SYNCOBJ_CREATE_SIGNALED);
  }
  // Each has a descriptor of its kind taken, by a call that `make` makes.
  static int take_syncobj(const Client& client, const Maker& make) {
    const Fd fd(client.handle_to_fd(syncobj(client)));
    return make([&] {
      uint32_t handle = 0;
      return client.fd_to_handle(fd, handle);
    });
  }
  static int take_sync_file(const Client& client, const Maker& make) {
    uint32_t handle = syncobj(client);
    const Fd fd(client.handle_to_fd(handle, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE));
    return make([&] { return client.fd_to_handle(fd, handle, kImport); });
  }
  static int take_dma_buf(const Client& client, const Maker& make) {
    const Bo bo(client.device(), kPage, DRM_FAKEGPU_HEAP_VRAM, DRM_FAKEGPU_BO_SHAREABLE);
    const Fd fd = bo.export_fd();
    return make([&] {
      drm_prime_handle arg = {.fd = fd};
      return client.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, arg);
    });
  }
  static int take_eventfd(const Client& client, const Maker& make) {
    const Fd counter(::eventfd(0, EFD_CLOEXEC));
    ioctl::SyncobjEventfd arg = {};
    arg.handle = client.make_syncobj();
    arg.fd = counter;
    return make([&] { return client.call(ioctl::kSyncobjEventfdCommand, arg); });
  }

  void serve_others() const {
    const Client other;
    for (const Take& take : takes_) EXPECT_EQ(take(other, once), 0);
  }
  // Of the process that takes. It may keep some that other tests had swapped.
  static size_t own_descriptors() { return descriptors_of(taker()); }
  bool nothing_is_left() const {
    return own_descriptors() <= own_ && descriptors_of(daemon_pid()) <= daemons_ &&
           client_.heap(DRM_FAKEGPU_HEAP_VRAM).used_bytes == bytes_;
  }

  const Client client_;
  const std::vector<Take> takes_ = {take_syncobj, take_sync_file, take_dma_buf, take_eventfd};
  size_t own_ = SIZE_MAX;
  size_t daemons_ = 0;
  uint64_t bytes_ = 0;
};

TEST_F(NodeTaker, ACallerThatIsKilledInACallLeavesNothing) {
  const pid_t process = taker();
  ASSERT_EQ(::kill(process, SIGSTOP), 0);
  for (const Take& take : takes_) {
    Caller caller(take, once);
    // The kernel makes more than one trip for a call; the others end, and the last one does not.
    for (int trip = 0; trip < 3; ++trip) {
      EXPECT_TRUE(eventually([&] { return caller.sleeps(); }));
      client_.heap(DRM_FAKEGPU_HEAP_VRAM);
    }
    EXPECT_TRUE(caller.kill()) << "it does not wait for the process that is stopped";
  }
  ASSERT_EQ(::kill(process, SIGCONT), 0);
  EXPECT_TRUE(eventually([this] { return nothing_is_left(); }));
  EXPECT_EQ(taker(), process);
  serve_others();
}

TEST_F(NodeTaker, CallersThatAreKilledAtAnyMomentLeaveNothing) {
  for (const Take& take : takes_)
    for (int i = 0; i < 5; ++i) {
      Caller caller(take, for_ever);
      for (int trip = 0; trip < i; ++trip) client_.heap(DRM_FAKEGPU_HEAP_VRAM);
      EXPECT_TRUE(caller.kill());
    }
  EXPECT_TRUE(eventually([this] { return nothing_is_left(); }));
}

// The kernel lets it end only when that server is gone.
TEST_F(NodeTaker, ACallerWithAFileThatNeverAnswersLeavesNothing) {
  if (const char* lacking = support::HangingFile::lacking())
    GTEST_SKIP() << "machine lacks " << lacking;
  support::HangingFile file;
  const Take take = [&file](const Client& client, const Maker& make) {
    return make([&] {
      uint32_t handle = 0;
      return client.fd_to_handle(file.fd(), handle);
    });
  };
  Caller caller(take, for_ever);
  serve_others();
  EXPECT_EQ(file.asked(), 0u);
  caller.kill_and_leave();
  serve_others();
  file.end();
  EXPECT_TRUE(eventually([&] { return caller.is_gone(); }));
  EXPECT_TRUE(eventually([this] { return nothing_is_left(); }));
}

}  // namespace
}  // namespace fakegpu::conformance
