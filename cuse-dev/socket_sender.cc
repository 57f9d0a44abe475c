// SPDX-License-Identifier: MIT
#include "socket_sender.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace fakegpu::cuse_dev {

int SocketSender::send(Message message) {
  base::MutexLock lock(mutex_);
  return send_locked(std::move(message));
}

void SocketSender::add_pending(uint32_t id) {
  base::MutexLock lock(mutex_);
  if (early_.erase(id) == 0) pending_.insert(id);
}

bool SocketSender::is_pending(uint32_t id) {
  base::MutexLock lock(mutex_);
  return pending_.contains(id);
}

void SocketSender::answer(uint32_t id, Message message) {
  base::MutexLock lock(mutex_);
  // Before it is sent: the client may use the id again as soon as it has the answer.
  if (pending_.erase(id) == 0) early_.insert(id);
  send_locked(std::move(message));
}

int SocketSender::send_locked(Message message) {
  if (aborted_ || !socket_) return 0;
  if (queue_.empty()) {
    const int error = transmit(message);
    if (error == 0) return 0;
    if (error == ETOOMANYREFS) return -error;
    if (error != EAGAIN) {
      abort_locked();
      return 0;
    }
  }
  enqueue(std::move(message));
  return 0;
}

void SocketSender::enqueue(Message message) {
  const size_t bytes = message.head.size() + message.body.size() + message.tail.size();
  const size_t descriptors = message.descriptor ? 1 : 0;
  if (queue_.size() >= kMaxMessages || queued_bytes_ + bytes > kMaxBytes ||
      queued_descriptors_ + descriptors > kMaxDescriptors)
    return abort_locked();
  const bool idle = queue_.empty();
  Queued& queued = queue_.emplace_back();
  queued.bytes.reserve(bytes);
  for (const auto part : {message.head, message.body, message.tail})
    queued.bytes.insert(queued.bytes.end(), part.begin(), part.end());
  queued.descriptor = std::move(message.descriptor);
  queued_bytes_ += bytes;
  queued_descriptors_ += descriptors;
  if (idle) arm();
}

int SocketSender::transmit(const Message& message) {
  iovec parts[3];
  size_t count = 0;
  for (const auto part : {message.head, message.body, message.tail})
    if (!part.empty()) parts[count++] = {const_cast<std::byte*>(part.data()), part.size()};
  msghdr header = {};
  header.msg_iov = parts;
  header.msg_iovlen = count;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (message.descriptor) {
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int descriptor = message.descriptor.get();
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof(descriptor));
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

void SocketSender::flush() {
  base::MutexLock lock(mutex_);
  while (!queue_.empty()) {
    Queued& next = queue_.front();
    const size_t bytes = next.bytes.size();
    const size_t descriptors = next.descriptor ? 1 : 0;
    Message message{.head = next.bytes, .descriptor = std::move(next.descriptor)};
    const int error = transmit(message);
    if (error == EAGAIN) {
      next.descriptor = std::move(message.descriptor);
      return arm();
    }
    if (error != 0) return abort_locked();
    queue_.pop_front();
    queued_bytes_ -= bytes;
    queued_descriptors_ -= descriptors;
  }
}

// One report per call: a socket that nobody waits for would be reported all the time.
void SocketSender::arm() {
  epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data = {.u64 = connection_}};
  const int how = registered_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(writable_, how, socket_.get(), &event) != 0) return abort_locked();
  registered_ = true;
}

void SocketSender::abort() {
  base::MutexLock lock(mutex_);
  abort_locked();
}

void SocketSender::abort_locked() {
  aborted_ = true;
  queue_.clear();
  queued_bytes_ = 0;
  queued_descriptors_ = 0;
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
}

bool SocketSender::aborted() {
  base::MutexLock lock(mutex_);
  return aborted_;
}

void SocketSender::close() {
  base::MutexLock lock(mutex_);
  queue_.clear();
  if (registered_) ::epoll_ctl(writable_, EPOLL_CTL_DEL, socket_.get(), nullptr);
  registered_ = false;
  socket_.reset();
}

}  // namespace fakegpu::cuse_dev
