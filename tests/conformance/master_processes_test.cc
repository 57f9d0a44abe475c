// SPDX-License-Identifier: MIT
// Who may change masters, by processes of other users: by meaning igt's core_setmaster. For
// transports whose files have descriptors, and for root.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/unique_fd.h"
#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uid_t kNobody = 65534;

int call(int fd, unsigned long request) {
  return ::ioctl(fd, request, nullptr) == 0 ? 0 : -errno;
}

// A child that has become nobody runs `steps`, which give 0 or the number of the one that failed.
template <typename Steps>
int as_nobody(Steps steps) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped =
        ::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
    ::_exit(dropped ? steps() : 100);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

struct NodeMasters : testing::Test {
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "machine lacks root";
  }
  static base::UniqueFd open_card() {
    return base::UniqueFd(::open(card_path().c_str(), O_RDWR | O_CLOEXEC));
  }
};

TEST_F(NodeMasters, RootMayDropAndSet) {
  const auto card = open_card();
  ASSERT_TRUE(card);
  EXPECT_EQ(call(card.get(), DRM_IOCTL_DROP_MASTER), 0);
  EXPECT_EQ(call(card.get(), DRM_IOCTL_SET_MASTER), 0);
}

TEST_F(NodeMasters, AUserMayIfItIsTheFirstOpener) {
  EXPECT_EQ(as_nobody([] {
              const auto card = open_card();
              if (!card) return 1;
              if (call(card.get(), DRM_IOCTL_DROP_MASTER) != 0) return 2;
              if (call(card.get(), DRM_IOCTL_SET_MASTER) != 0) return 3;
              int dropped = 1;
              std::thread([&] { dropped = call(card.get(), DRM_IOCTL_DROP_MASTER); }).join();
              if (dropped != 0) return 4;
              return call(card.get(), DRM_IOCTL_SET_MASTER) == 0 ? 0 : 5;
            }),
            0);
}

TEST_F(NodeMasters, AUserMayNotOnAFileThatRootShares) {
  const auto card = open_card();
  ASSERT_TRUE(card);
  EXPECT_EQ(as_nobody([&card] {
              if (call(card.get(), DRM_IOCTL_DROP_MASTER) != -EACCES) return 1;
              return call(card.get(), DRM_IOCTL_SET_MASTER) == -EACCES ? 0 : 2;
            }),
            0);
}

TEST_F(NodeMasters, AUserMayNotOnAFileThatIsNotMaster) {
  const auto master = open_card();
  ASSERT_TRUE(master);
  EXPECT_EQ(as_nobody([] {
              const auto card = open_card();
              if (!card) return 1;
              if (call(card.get(), DRM_IOCTL_SET_MASTER) != -EACCES) return 2;
              drm_client who = {};
              if (::ioctl(card.get(), DRM_IOCTL_GET_CLIENT, &who) != 0) return 3;
              return who.auth == 0 && who.pid == static_cast<unsigned long>(::getpid()) ? 0 : 4;
            }),
            0);
}

TEST_F(NodeMasters, AUsersChildMayNot) {
  EXPECT_EQ(as_nobody([] {
              const auto card = open_card();
              if (!card) return 1;
              const pid_t child = ::fork();
              if (child == 0) ::_exit(call(card.get(), DRM_IOCTL_DROP_MASTER) == -EACCES ? 0 : 1);
              int status = 1;
              ::waitpid(child, &status, 0);
              return status == 0 ? 0 : 2;
            }),
            0);
}

TEST_F(NodeMasters, RootAuthenticatesAUser) {
  const auto master = open_card();
  ASSERT_TRUE(master);
  EXPECT_EQ(as_nobody([&master] {
              const auto card = open_card();
              drm_auth auth = {};
              drm_client who = {};
              if (::ioctl(card.get(), DRM_IOCTL_GET_MAGIC, &auth) != 0) return 1;
              if (::ioctl(card.get(), DRM_IOCTL_GET_CLIENT, &who) != 0 || who.auth != 0) return 2;
              if (::ioctl(card.get(), DRM_IOCTL_AUTH_MAGIC, &auth) == 0) return 3;
              // What matters is the file, not who calls.
              if (::ioctl(master.get(), DRM_IOCTL_AUTH_MAGIC, &auth) != 0) return 4;
              if (::ioctl(card.get(), DRM_IOCTL_GET_CLIENT, &who) != 0) return 5;
              return who.auth == 1 ? 0 : 6;
            }),
            0);
}

TEST_F(NodeMasters, ReopenedFilesAreTheirOwn) {
  const auto card = open_card();
  ASSERT_TRUE(card);
  const auto again = base::UniqueFd(
      ::open(("/proc/self/fd/" + std::to_string(card.get())).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again);
  EXPECT_EQ(call(again.get(), DRM_IOCTL_SET_MASTER), -EBUSY);
}

}  // namespace
}  // namespace fakegpu::conformance
