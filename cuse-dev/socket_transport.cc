// SPDX-License-Identifier: MIT
#include "socket_transport.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace fakegpu::cuse_dev {
namespace {

// Open files that clients have as descriptors; the half of RLIMIT_NOFILE may be less.
constexpr unsigned kMaxDescriptors = 65536;

base::UniqueFd open_spare() {
  return base::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

base::Result<drv::Caller> peer_of(int socket) {
  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return base::fail_errno("SO_PEERCRED");
  return drv::Caller{peer.pid, peer.uid, peer.gid};
}

}  // namespace

base::Result<std::unique_ptr<Transport>> SocketTransport::create(Loop& loop,
                                                                 const Options& options) {
  auto listener = SocketListener::create(options.path);
  if (!listener) return tl::unexpected(std::move(listener).error());
  base::UniqueFd writable(::epoll_create1(EPOLL_CLOEXEC));
  if (!writable) return base::fail_errno("epoll_create1");
  return std::unique_ptr<Transport>(
      new SocketTransport(loop, options, std::move(*listener), std::move(writable)));
}

SocketTransport::SocketTransport(Loop& loop, const Options& options,
                                 std::unique_ptr<SocketListener> listener, base::UniqueFd writable)
    : loop_(loop),
      options_(options),
      listener_(std::move(listener)),
      writable_(std::move(writable)),
      spare_(open_spare()),
      request_(std::make_unique_for_overwrite<std::byte[]>(kMaxRequestBytes)),
      reply_(std::make_unique_for_overwrite<std::byte[]>(kMaxReplyBytes)) {}

SocketTransport::~SocketTransport() {
  stop();
}

base::Result<> SocketTransport::start(drv::Machine& machine, Owner&) {
  machine_ = &machine;
  auto descriptors = drv::NativeDescriptors::create(kMaxDescriptors, drv::Options().file_objects);
  if (!descriptors) return tl::unexpected(std::move(descriptors).error());
  descriptors_ = std::move(*descriptors);
  descriptors_watch_ = loop_.watch(descriptors_->fd(), [this] {
    descriptors_->sweep();
    return false;
  });
  writable_watch_ = loop_.watch(writable_.get(), [this] { return flush_some(); });
  listener_watch_ = loop_.watch(listener_->fd(), [this] { return accept_one(); });
  return {};
}

void SocketTransport::stop() {
  if (listener_watch_ != 0) loop_.unwatch(std::exchange(listener_watch_, 0));
  listener_.reset();
  while (!clients_.empty()) {
    Client& client = *clients_.begin()->second;
    // Answers that the machine's end has given.
    client.connection.sender().flush();
    drop(client);
  }
  if (writable_watch_ != 0) loop_.unwatch(std::exchange(writable_watch_, 0));
  if (descriptors_watch_ != 0) loop_.unwatch(std::exchange(descriptors_watch_, 0));
  // Its files go before the machine does.
  descriptors_.reset();
}

bool SocketTransport::accept_one() {
  base::UniqueFd socket(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    if (errno == EAGAIN) return false;
    if (errno == EMFILE || errno == ENFILE) return shed_one();
    // The client gave up, or a signal.
    return errno == ECONNABORTED || errno == EINTR;
  }
  shedding_ = false;
  if (auto added = add(std::move(socket)); !added)
    base::log(base::LogLevel::kInfo, "socket: connection refused: {}", added.error().message());
  return true;
}

bool SocketTransport::shed_one() {
  // Once, or whoever tries again and again fills the log.
  if (!std::exchange(shedding_, true))
    base::log(base::LogLevel::kWarning, "socket: no descriptors left, refusing connections");
  spare_.reset();
  const bool accepted =
      static_cast<bool>(base::UniqueFd(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC)));
  spare_ = open_spare();
  return accepted;
}

base::Result<> SocketTransport::add(base::UniqueFd socket) {
  const auto caller = peer_of(socket.get());
  if (!caller) return tl::unexpected(caller.error());
  // The kernel doubles it, for its own bookkeeping.
  const int bytes = kMaxReplyBytes;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) != 0)
    return base::fail_errno("SO_SNDBUF");
  if (clients_.size() >= options_.max_connections)
    return base::fail(EUSERS, "there are {} already", clients_.size());
  unsigned& held = per_uid_[caller->uid];
  if (held >= options_.max_per_uid)
    return base::fail(EUSERS, "uid {} has {} already", caller->uid, held);

  const int fd = socket.get();
  std::vector<gid_t> groups = peer_groups(fd);
  groups.push_back(caller->gid);
  const bool allowed = may_open(options_.access, caller->uid, groups);
  const uint64_t id = ++last_id_;
  auto sender = base::make_ref<SocketSender>(std::move(socket), id, writable_.get());
  std::unique_ptr<Client> client(new Client{id,
                                            0,
                                            {*machine_,
                                             *descriptors_,
                                             *caller,
                                             allowed,
                                             std::move(sender),
                                             {reply_.get(), kMaxReplyBytes}}});
  ++held;
  Client& added = *client;
  clients_.emplace(id, std::move(client));
  added.watch = loop_.watch(fd, [this, &added, fd] { return serve_one(added, fd); });
  return {};
}

bool SocketTransport::serve_one(Client& client, int socket) {
  iovec data = {request_.get(), kMaxRequestBytes};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(PassedDescriptors::kMax * sizeof(int))];
  if (PassedDescriptors::may_receive()) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
  }
  const ssize_t got = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0 && errno == EINTR) return true;
  PassedDescriptors passed;
  if (got > 0) passed = PassedDescriptors(header);
  SocketConnection& connection = client.connection;
  if (got <= 0 || connection.sender().aborted()) {
    drop(client);
    return false;
  }
  const auto served =
      (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
          ? base::fail(EPROTO, "a message too long, or with too many descriptors")
          : connection.handle({request_.get(), static_cast<size_t>(got)}, std::move(passed));
  if (served) return true;
  base::log(base::LogLevel::kInfo, "socket: pid {} (uid {}) is cut off: {}",
            connection.caller().pid, connection.caller().uid, served.error().message());
  drop(client);
  return false;
}

bool SocketTransport::flush_some() {
  epoll_event events[16];
  const int count = ::epoll_wait(writable_.get(), events, 16, 0);
  for (int i = 0; i < count; ++i) {
    const auto found = clients_.find(events[i].data.u64);
    if (found != clients_.end()) found->second->connection.sender().flush();
  }
  return count > 0;
}

void SocketTransport::drop(Client& client) {
  const auto held = per_uid_.find(client.connection.caller().uid);
  if (--held->second == 0) per_uid_.erase(held);
  // Before its descriptor is closed.
  loop_.unwatch(client.watch);
  clients_.extract(client.id);
}

}  // namespace fakegpu::cuse_dev
