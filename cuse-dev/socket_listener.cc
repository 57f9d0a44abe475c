// SPDX-License-Identifier: MIT
#include "socket_listener.h"

#include <fakegpu_drm.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fakegpu::cuse_dev {
namespace {

constexpr int kBacklog = 512;
// How long the listener of a daemon that was killed may outlive it.
constexpr int kLingerMillis = 1000;
// CHANNEL tells the path to clients.
constexpr size_t kMaxPath =
    std::min(sizeof(drm_fakegpu_channel::path), sizeof(sockaddr_un::sun_path)) - 1;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

enum class Listener { kNone, kLeaving, kThere };

base::Result<Listener> find_listener(const std::string& path) {
  const base::UniqueFd probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return base::fail_errno("socket");
  const sockaddr_un address = address_of(path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    if (errno == ECONNREFUSED) return Listener::kNone;
    if (errno == EAGAIN || errno == EPROTOTYPE) return Listener::kThere;
    return base::fail_errno("connect " + path);
  }
  // When it goes away, those whom it has not accepted are hung up on.
  pollfd end = {.fd = probe.get(), .events = 0, .revents = 0};
  return ::poll(&end, 1, kLingerMillis) == 1 ? Listener::kLeaving : Listener::kThere;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

base::Result<std::unique_ptr<SocketListener>> SocketListener::create(const std::string& path) {
  if (path.empty()) return base::fail(EINVAL, "the socket has no path");
  if (path.size() > kMaxPath)
    return base::fail(ENAMETOOLONG, "socket path {} is longer than {} bytes", path, kMaxPath);
  std::unique_ptr<SocketListener> listener(new SocketListener(path));
  FAKEGPU_TRY(listener->make_directory());
  FAKEGPU_TRY(listener->take_lock());
  FAKEGPU_TRY(listener->clear_name());
  FAKEGPU_TRY(listener->listen());
  return listener;
}

SocketListener::~SocketListener() {
  struct stat status;
  if (bound_ && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_)
    ::unlink(path_.c_str());
  if (lock_) ::unlink(lock_path().c_str());
  // Fails if others use it too.
  if (!made_directory_.empty()) ::rmdir(made_directory_.c_str());
}

base::Result<> SocketListener::make_directory() {
  const size_t slash = path_.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string directory = path_.substr(0, slash);
  if (::mkdir(directory.c_str(), 0755) != 0) {
    if (errno == EEXIST) return {};
    return base::fail_errno("mkdir " + directory);
  }
  made_directory_ = directory;
  // Whatever the umask: clients must get through.
  if (::chmod(directory.c_str(), 0755) != 0) return base::fail_errno("chmod " + directory);
  return {};
}

base::Result<> SocketListener::take_lock() {
  const std::string name = lock_path();
  for (;;) {
    base::UniqueFd lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return base::fail_errno("open " + name);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return base::fail(EADDRINUSE, "another daemon serves {}", path_);
      return base::fail_errno("flock " + name);
    }
    // Its holder may have removed it between our open() and its end.
    struct stat ours, named;
    if (::fstat(lock.get(), &ours) != 0) return base::fail_errno("fstat " + name);
    if (::lstat(name.c_str(), &named) != 0 || !same_file(ours, named)) continue;
    lock_ = std::move(lock);
    return {};
  }
}

// We have the lock, so whoever listens is no daemon that lives. One that was killed may still be
// there for a moment, as io_uring gives its files back in the background.
base::Result<> SocketListener::clear_name() {
  struct stat status;
  if (::lstat(path_.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return base::fail_errno("lstat " + path_);
  }
  if (!S_ISSOCK(status.st_mode)) return base::fail(EEXIST, "{} is no socket", path_);
  auto listener = find_listener(path_);
  if (listener && *listener == Listener::kLeaving) listener = find_listener(path_);
  if (!listener) return tl::unexpected(std::move(listener).error());
  if (*listener != Listener::kNone) return base::fail(EADDRINUSE, "somebody listens on {}", path_);
  if (::unlink(path_.c_str()) != 0) return base::fail_errno("unlink " + path_);
  return {};
}

base::Result<> SocketListener::listen() {
  socket_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return base::fail_errno("socket");
  const sockaddr_un address = address_of(path_);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return base::fail_errno("bind " + path_);
  struct stat status;
  if (::lstat(path_.c_str(), &status) != 0) return base::fail_errno("lstat " + path_);
  bound_ = true;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  if (::chmod(path_.c_str(), 0666) != 0) return base::fail_errno("chmod " + path_);
  if (::listen(socket_.get(), kBacklog) != 0) return base::fail_errno("listen " + path_);
  return {};
}

}  // namespace fakegpu::cuse_dev
