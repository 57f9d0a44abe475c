// SPDX-License-Identifier: MIT
// One client of the daemon's socket: what its messages (ioctl/wire.h) do. The loop's thread, except
// for the driver's late replies, which go through the SocketSender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ref.h"
#include "base/result.h"
#include "channel_link.h"
#include "drv/machine.h"
#include "drv/native_descriptors.h"
#include "ioctl/plan.h"
#include "ioctl/wire.h"
#include "ioctl_message.h"
#include "passed_descriptors.h"
#include "socket_sender.h"

namespace fakegpu::cuse_dev {

// The size field of a command word has 14 bits.
inline constexpr size_t kMaxStructBytes = (1 << 14) - 1;
// An array goes both ways or one; each way is bounded by kMaxCallBytes. Those that only go in may
// come in a memfd instead, and are read from it when the driver asks for them.
inline constexpr size_t kMaxRequestBytes = sizeof(ioctl::wire::IoctlRequest) +
                                           kMaxSpans * sizeof(ioctl::wire::Span) + kMaxStructBytes +
                                           2 * ioctl::kMaxCallBytes;
inline constexpr size_t kMaxReplyBytes =
    sizeof(ioctl::wire::IoctlReply) + kMaxStructBytes + ioctl::kMaxCallBytes;

class SocketConnection {
 public:
  // `may_open`: may it have a file of its own (-EACCES), not only the channel of one that it opened
  // elsewhere? `replies`: room for kMaxReplyBytes, used during handle() only.
  // `descriptors`: of the machine.
  SocketConnection(drv::Machine& machine, drv::NativeDescriptors& descriptors,
                   const drv::Caller& caller, bool may_open, base::Ref<SocketSender> sender,
                   std::span<std::byte> replies);
  // Closes the connection, then its file if it opened one.
  ~SocketConnection();
  SocketConnection(const SocketConnection&) = delete;
  SocketConnection& operator=(const SocketConnection&) = delete;

  // Serves one message, which the client can no longer change. An error is a violation of the
  // protocol, after which the connection is of no use.
  base::Result<> handle(std::span<std::byte> message, PassedDescriptors passed);

  const drv::Caller& caller() const { return caller_; }
  SocketSender& sender() { return *sender_; }

 private:
  base::Result<> hello(const ioctl::wire::Hello& hello);
  int open_or_join(const ioctl::wire::Hello& hello);
  base::Result<> ioctl(std::span<std::byte> message, PassedDescriptors passed);
  void run_large(const IoctlMessage& call, base::UniqueFd arrays);
  // `object`: what the call is on if that is not the connection's own file.
  void perform(std::shared_ptr<drv::File> object, const ioctl::wire::IoctlRequest& request,
               ioctl::UserMemory& memory, size_t out_bytes, base::UniqueFd taken);
  base::Result<> open_sw_sync(const ioctl::wire::OpenSwSync& request);
  base::Result<> read(const ioctl::wire::ReadRequest& request);
  base::Result<> interrupt(const ioctl::wire::Interrupt& interrupt);
  base::Result<> get_descriptor(const ioctl::wire::GetFd& request);
  base::Result<> check_id(uint32_t id);

  // What a call of this connection is named on a file that others call too.
  uint64_t call_id(uint32_t id) const { return sender_->connection() << 32 | id; }
  void send_given(uint32_t id, base::Result<base::UniqueFd> descriptor);
  // An answer without bytes.
  void refuse(uint32_t id, ioctl::wire::Type reply, int result);

  drv::Machine& machine_;
  drv::NativeDescriptors& descriptors_;
  const base::Ref<drv::NativeDescriptors::Share> share_;
  const drv::Caller caller_;
  const bool may_open_;
  const base::Ref<SocketSender> sender_;
  const std::span<std::byte> replies_;
  // Of these one is set by a successful Hello.
  std::unique_ptr<drv::File> file_;
  base::Ref<ChannelLink> link_;
  // What pending calls that are not on file_ are on, and some that were answered.
  std::unordered_map<uint32_t, std::shared_ptr<drv::File>> objects_;
};

}  // namespace fakegpu::cuse_dev
