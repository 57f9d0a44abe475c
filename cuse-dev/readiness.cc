// SPDX-License-Identifier: MIT
#include "readiness.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "base/log.h"
#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {

void write_ready(int fd) {
  if (fd < 0) return;
  constexpr std::string_view kReady = "READY\n";
  if (::write(fd, kReady.data(), kReady.size()) < 0)
    base::log(base::LogLevel::kWarning, "ready-fd {}: {}", fd, std::strerror(errno));
  ::close(fd);
}

base::Result<> notify(std::string_view address, std::string_view state) {
  sockaddr_un to = {.sun_family = AF_UNIX};
  if (address.size() < 2 || address.size() >= sizeof(to.sun_path) ||
      (address[0] != '/' && address[0] != '@'))
    return base::fail(EINVAL, "NOTIFY_SOCKET is {}", address);
  std::memcpy(to.sun_path, address.data(), address.size());
  if (address[0] == '@') to.sun_path[0] = 0;
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return base::fail_errno("socket");
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&to), length) < 0)
    return base::fail_errno("sendto NOTIFY_SOCKET");
  return {};
}

}  // namespace fakegpu::cuse_dev
