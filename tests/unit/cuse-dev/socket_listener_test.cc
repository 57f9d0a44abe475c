// SPDX-License-Identifier: MIT
#include "socket_listener.h"

#include <fcntl.h>
#include <poll.h>

#include <thread>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

class SocketListenerTest : public testing::Test {
 protected:
  ~SocketListenerTest() override { std::filesystem::remove_all(directory_); }

  // What a daemon that was killed leaves behind, or one that lives.
  base::UniqueFd bind_at(const std::string& path, int type, bool listening) {
    base::UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    if (listening) {
      EXPECT_EQ(::listen(socket.get(), 1), 0);
    }
    return socket;
  }
  bool exists(const std::string& path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path));
  }

  const std::string directory_ = make_directory();
  const std::string path_ = directory_ + "/socket";
};

TEST_F(SocketListenerTest, EverybodyMayConnectWhateverTheUmask) {
  const mode_t before = umask(0077);
  auto listener = SocketListener::create(directory_ + "/sub/socket");
  umask(before);
  ASSERT_TRUE(listener) << listener.error().message();
  struct stat status;
  ASSERT_EQ(stat((*listener)->path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0666u);
  ASSERT_EQ(stat((directory_ + "/sub").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
  EXPECT_TRUE(fcntl((*listener)->fd(), F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(fcntl((*listener)->fd(), F_GETFL) & O_NONBLOCK);
}

TEST_F(SocketListenerTest, TheEndRemovesWhatWasMade) {
  { ASSERT_TRUE(SocketListener::create(directory_ + "/sub/socket")); }
  EXPECT_FALSE(exists(directory_ + "/sub"));
  { ASSERT_TRUE(SocketListener::create(path_)); }
  EXPECT_TRUE(exists(directory_)) << "it was there before";
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(SocketListenerTest, ASocketThatNobodyListensOnIsReplaced) {
  bind_at(path_, SOCK_SEQPACKET, true).reset();
  ASSERT_TRUE(exists(path_));
  auto listener = SocketListener::create(path_);
  ASSERT_TRUE(listener) << listener.error().message();
}

TEST_F(SocketListenerTest, ASocketThatSomebodyListensOnIsLeftAlone) {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    const base::UniqueFd other = bind_at(path_, type, true);
    const auto listener = SocketListener::create(path_);
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().code(), EADDRINUSE);
    EXPECT_TRUE(exists(path_));
    unlink(path_.c_str());
  }
}

// The kernel closes what io_uring held of a killed daemon some time after its end.
TEST_F(SocketListenerTest, AListenerThatIsAboutToGoIsWaitedFor) {
  base::UniqueFd leaving = bind_at(path_, SOCK_SEQPACKET, true);
  std::thread kernel([&leaving] {
    pollfd connection = {.fd = leaving.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&connection, 1, -1), 1);
    leaving.reset();
  });
  const auto listener = SocketListener::create(path_);
  kernel.join();
  ASSERT_TRUE(listener) << listener.error().message();
}

TEST_F(SocketListenerTest, OneThatHangsUpOnUsIsLeftAlone) {
  const base::UniqueFd other = bind_at(path_, SOCK_SEQPACKET, true);
  std::thread rude([&other] { base::UniqueFd(::accept(other.get(), nullptr, nullptr)).reset(); });
  const auto listener = SocketListener::create(path_);
  rude.join();
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), EADDRINUSE);
  EXPECT_TRUE(exists(path_));
}

TEST_F(SocketListenerTest, AFullBacklogMeansSomebodyListens) {
  const base::UniqueFd other = bind_at(path_, SOCK_SEQPACKET, false);
  ASSERT_EQ(::listen(other.get(), 0), 0);
  base::UniqueFd clients[2];
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path_.c_str());
  for (auto& client : clients) {
    client.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  const auto listener = SocketListener::create(path_);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), EADDRINUSE);
}

TEST_F(SocketListenerTest, OfTwoDaemonsOneServes) {
  auto first = SocketListener::create(path_);
  ASSERT_TRUE(first);
  const auto second = SocketListener::create(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), EADDRINUSE);
  EXPECT_TRUE(exists(path_));
  first->reset();
  EXPECT_TRUE(SocketListener::create(path_));
}

TEST_F(SocketListenerTest, WhatIsNoSocketIsLeftAlone) {
  base::UniqueFd(open(path_.c_str(), O_CREAT | O_WRONLY, 0600)).reset();
  auto listener = SocketListener::create(path_);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), EEXIST);
  EXPECT_TRUE(exists(path_));

  ASSERT_EQ(symlink("nowhere", (directory_ + "/link").c_str()), 0);
  listener = SocketListener::create(directory_ + "/link");
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code(), EEXIST);
  EXPECT_FALSE(exists(directory_ + "/link.lock")) << "a failure leaves nothing";
}

TEST_F(SocketListenerTest, ASocketThatTookOurNameIsNotRemoved) {
  auto listener = SocketListener::create(path_);
  ASSERT_TRUE(listener);
  unlink(path_.c_str());
  const base::UniqueFd other = bind_at(path_, SOCK_SEQPACKET, true);
  listener->reset();
  EXPECT_TRUE(exists(path_));
}

TEST_F(SocketListenerTest, BadPathsAreRefused) {
  EXPECT_EQ(SocketListener::create("").error().code(), EINVAL);
  EXPECT_EQ(SocketListener::create(directory_ + "/" + std::string(104, 'x')).error().code(),
            ENAMETOOLONG);
  EXPECT_EQ(SocketListener::create(directory_ + "/no/such/socket").error().code(), ENOENT);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

}  // namespace
}  // namespace fakegpu::cuse_dev
