// SPDX-License-Identifier: MIT
// The sending half of a socket connection, which replies reach from any thread; and the ids of the
// calls that still wait for theirs.
//
// A message is sent at once if the socket takes it. Else it is queued, and an epoll descriptor of
// the transport, watched by the loop, tells when the peer has read. A peer that does not read is
// cut off: nobody ever waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/ref.h"
#include "base/unique_fd.h"

namespace fakegpu::cuse_dev {

class SocketSender final : public base::RefCounted {
 public:
  // What may be queued. More messages than a file may have pending calls by default, as one event
  // can answer them all.
  static constexpr size_t kMaxMessages = 2048;
  static constexpr size_t kMaxBytes = 4 << 20;
  static constexpr size_t kMaxDescriptors = 4;

  // `writable`: an epoll descriptor, which will report `connection` when flush() can go on. It is
  // borrowed until close().
  SocketSender(base::UniqueFd socket, uint64_t connection, int writable)
      : connection_(connection), writable_(writable), socket_(std::move(socket)) {}

  uint64_t connection() const { return connection_; }

  // One message in up to three pieces, and a descriptor to go with it, which is closed when sent.
  struct Message {
    std::span<const std::byte> head;
    std::span<const std::byte> body = {};
    std::span<const std::byte> tail = {};
    base::UniqueFd descriptor = {};
  };

  // Any thread. After abort() and close() messages vanish. -ETOOMANYREFS: the kernel passes no more
  // of our descriptors before some are received; nothing was sent. Else 0.
  int send(Message message) EXCLUDES(mutex_);

  // The driver will answer this call later. In the loop's thread, as the reply may be faster.
  void add_pending(uint32_t id) EXCLUDES(mutex_);
  bool is_pending(uint32_t id) EXCLUDES(mutex_);
  // Sends the answer of such a call. Any thread.
  void answer(uint32_t id, Message message) EXCLUDES(mutex_);

  // Sends what is queued, as far as the socket takes it.
  void flush() EXCLUDES(mutex_);

  // Ends the connection from any thread: the loop finds the socket at its end.
  void abort() EXCLUDES(mutex_);
  bool aborted() EXCLUDES(mutex_);

  // The loop's thread, which has stopped watching the socket.
  void close() EXCLUDES(mutex_);

 private:
  struct Queued {
    std::vector<std::byte> bytes;
    base::UniqueFd descriptor;
  };

  // 0 or a positive errno.
  int transmit(const Message& message) REQUIRES(mutex_);
  int send_locked(Message message) REQUIRES(mutex_);
  void enqueue(Message message) REQUIRES(mutex_);
  void arm() REQUIRES(mutex_);
  void abort_locked() REQUIRES(mutex_);

  const uint64_t connection_;
  const int writable_;
  base::Mutex mutex_;
  base::UniqueFd socket_ GUARDED_BY(mutex_);
  bool aborted_ GUARDED_BY(mutex_) = false;
  bool registered_ GUARDED_BY(mutex_) = false;
  std::deque<Queued> queue_ GUARDED_BY(mutex_);
  size_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  size_t queued_descriptors_ GUARDED_BY(mutex_) = 0;
  std::unordered_set<uint32_t> pending_ GUARDED_BY(mutex_);
  // Answered before add_pending().
  std::unordered_set<uint32_t> early_ GUARDED_BY(mutex_);
};

}  // namespace fakegpu::cuse_dev
