// SPDX-License-Identifier: MIT
#include "connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "futex.h"
#include "ioctl/plan.h"

namespace fakegpu::umd {

namespace wire = ioctl::wire;

namespace {

// The largest answer: a struct and the arrays of one call.
constexpr size_t kMaxMessage = sizeof(wire::IoctlReply) + (1u << 14) + ioctl::kMaxCallBytes;

}  // namespace

Connection::Connection(OwnedFd socket) : socket_(std::move(socket)), buffer_(kMaxMessage) {}

int Connection::connect(const std::string& path, uid_t owner, OwnedFd* out) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return -ENAMETOOLONG;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);

  OwnedFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return -errno;
  while (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    if (errno != EINTR) return -errno;

  ucred peer = {};
  socklen_t length = sizeof(peer);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -errno;
  if (peer.uid != 0 && peer.uid != ::geteuid() && peer.uid != owner) return -EPERM;
  *out = std::move(socket);
  return 0;
}

int Connection::hello(const uint64_t token[2], wire::Node node) {
  wire::Hello hello = {};
  hello.version = wire::kVersion;
  hello.node = node;
  hello.token[0] = token[0];
  hello.token[1] = token[1];
  Reply reply;
  const int result = call(wire::Type::kHello, std::as_writable_bytes(std::span(&hello, 1)),
                          wire::Type::kHelloReply, sizeof(wire::Reply), false, &reply);
  if (result != 0) return result;
  wire::Reply answer;
  std::memcpy(&answer, reply.bytes.data(), sizeof(answer));
  return answer.result;
}

int Connection::send(std::span<const std::byte> message, std::span<const int> fds) {
  iovec data = {const_cast<std::byte*>(message.data()), message.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  if (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) >= 0) return 0;
  switch (errno) {
    case EINTR:
    case EBADF:  // another thread has closed what is passed
    case ETOOMANYREFS:
      return -errno;
    default:
      return errno == EMSGSIZE ? -ENOMEM : -ENODEV;
  }
}

int Connection::call(wire::Type type, std::span<std::byte> message, wire::Type expected,
                     size_t minimum, bool interruptible, Reply* reply, std::span<const int> fds) {
  Call call;
  std::unique_lock lock(mutex_);
  if (lost_) return -ENODEV;
  uint32_t id = next_id_++;
  while (id == 0 || !calls_.emplace(id, &call).second) id = next_id_++;
  lock.unlock();

  const wire::Header header = {wire::kMagic, type, id, static_cast<uint32_t>(message.size())};
  std::memcpy(message.data(), &header, sizeof(header));
  int sent;
  do {
    sent = send(message, fds);
  } while (sent == -EINTR && !interruptible);

  lock.lock();
  if (sent != 0) {
    calls_.erase(id);
    // Another thread may have made this one the reader meanwhile.
    if (call.state == Call::kLead) pass_lead();
    return sent;
  }
  bool interrupted = false;
  while (call.state != Call::kDone) {
    bool signalled;
    if (!reading_) {
      reading_ = true;
      lock.unlock();
      signalled = !read_one();
      lock.lock();
      reading_ = false;
    } else {
      call.state = Call::kWaiting;
      lock.unlock();
      signalled = !futex_wait(&call.state, Call::kWaiting);
      lock.lock();
    }
    if (signalled && interruptible && !interrupted && call.state != Call::kDone) {
      interrupted = true;
      lock.unlock();
      wire::Interrupt interrupt = {};
      interrupt.header = {wire::kMagic, wire::Type::kInterrupt, id, sizeof(interrupt)};
      interrupt.call = id;
      while (send(std::as_bytes(std::span(&interrupt, 1))) == -EINTR) {
      }
      lock.lock();
    }
  }
  calls_.erase(id);
  if (!reading_) pass_lead();
  lock.unlock();

  if (call.lost) return -ENODEV;
  wire::Header answer;
  std::memcpy(&answer, call.reply.bytes.data(), sizeof(answer));
  if (answer.type != expected || call.reply.bytes.size() < minimum) return -ENODEV;
  *reply = std::move(call.reply);
  return 0;
}

// Under the lock. One waiting thread is enough: it passes the role on in turn.
void Connection::pass_lead() {
  for (auto& [id, call] : calls_) {
    if (call->state == Call::kDone) continue;
    call->state = Call::kLead;
    futex_wake(&call->state);
    return;
  }
}

bool Connection::read_one() {
  pollfd readable = {socket_.get(), POLLIN, 0};
  // poll() and not a blocking recvmsg(): it ends after every signal handler, SA_RESTART or not.
  if (::poll(&readable, 1, -1) < 0 && errno == EINTR) return false;

  iovec data = {buffer_.data(), buffer_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;

  OwnedFd fd;
  if (got > 0) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      // One belongs there; more are closed.
      for (size_t at = 0; at + CMSG_LEN(sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
        int received;
        std::memcpy(&received, CMSG_DATA(c) + at, sizeof(received));
        fd = OwnedFd(received);
      }
    }
  }
  if (got <= 0 || (message.msg_flags & MSG_TRUNC))
    lose();
  else
    deliver(std::span(buffer_).first(static_cast<size_t>(got)), std::move(fd),
            (message.msg_flags & MSG_CTRUNC) != 0);
  return true;
}

void Connection::deliver(std::span<const std::byte> message, OwnedFd fd, bool fd_dropped) {
  wire::Header header;
  if (message.size() < sizeof(header)) return lose();
  std::memcpy(&header, message.data(), sizeof(header));
  if (header.magic != wire::kMagic || header.bytes != message.size()) return lose();

  std::lock_guard lock(mutex_);
  const auto found = calls_.find(header.id);
  // An answer to nobody is dropped, with its descriptor.
  if (found == calls_.end() || found->second->state == Call::kDone) return;
  Call& call = *found->second;
  try {
    call.reply.bytes.assign(message.begin(), message.end());
  } catch (const std::bad_alloc&) {
    call.lost = true;
  }
  call.reply.fd = std::move(fd);
  call.reply.fd_dropped = fd_dropped;
  call.state = Call::kDone;
  futex_wake(&call.state);
}

void Connection::lose() {
  std::lock_guard lock(mutex_);
  lost_ = true;
  for (auto& [id, call] : calls_) {
    if (call->state == Call::kDone) continue;
    call->lost = true;
    call->state = Call::kDone;
    futex_wake(&call->state);
  }
}

}  // namespace fakegpu::umd
