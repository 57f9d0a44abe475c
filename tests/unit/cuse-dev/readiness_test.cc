// SPDX-License-Identifier: MIT
#include "readiness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {
namespace {

TEST(Readiness, WritesReadyAndCloses) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  base::UniqueFd read_end(fds[0]);
  write_ready(fds[1]);
  char text[16];
  ASSERT_EQ(::read(read_end.get(), text, sizeof(text)), 6);
  EXPECT_EQ(std::string_view(text, 6), "READY\n");
  EXPECT_EQ(::read(read_end.get(), text, sizeof(text)), 0);
  write_ready(-1);
}

void expect_datagram(const std::string& address) {
  base::UniqueFd listener(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un name = {.sun_family = AF_UNIX};
  std::memcpy(name.sun_path, address.data(), address.size());
  if (address[0] == '@') name.sun_path[0] = 0;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name),
                   offsetof(sockaddr_un, sun_path) + address.size()),
            0);
  ASSERT_TRUE(notify(address, "READY=1"));
  char text[16];
  ASSERT_EQ(::recv(listener.get(), text, sizeof(text), MSG_DONTWAIT), 7);
  EXPECT_EQ(std::string_view(text, 7), "READY=1");
}

TEST(Readiness, NotifiesAPathAndAnAbstractName) {
  const std::string id = std::to_string(getpid());
  const std::string path = testing::TempDir() + "notify." + id;
  expect_datagram(path);
  ::unlink(path.c_str());
  expect_datagram("@fakegpu-test-notify-" + id);
}

TEST(Readiness, RefusesAddressesThatAreNone) {
  for (const std::string& address :
       {std::string(), std::string("/"), std::string("relative"), "/" + std::string(200, 'x')}) {
    const auto told = notify(address, "READY=1");
    ASSERT_FALSE(told) << address;
    EXPECT_EQ(told.error().code(), EINVAL);
  }
  const auto nobody = notify("/nonexistent/notify", "READY=1");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), ENOENT);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
