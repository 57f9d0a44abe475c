// SPDX-License-Identifier: MIT
#include "socket_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "channel_requests.h"
#include "memfd_memory.h"
#include "socket_descriptors.h"

namespace fakegpu::cuse_dev {

namespace wire = ioctl::wire;
using wire::Type;

namespace {

wire::Header header_of(Type type, uint32_t id, size_t bytes) {
  return {wire::kMagic, type, id, static_cast<uint32_t>(bytes)};
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

// A message of one struct and nothing else.
template <typename T>
base::Result<T> whole(std::span<const std::byte> message) {
  if (message.size() != sizeof(T))
    return base::fail(EPROTO, "{} bytes where {} belong", message.size(), sizeof(T));
  T value;
  std::memcpy(&value, message.data(), sizeof(T));
  return value;
}

wire::IoctlReply answer_head(Type type, uint32_t id, int result, size_t bytes) {
  return {header_of(type, id, sizeof(wire::IoctlReply) + bytes), result, 0};
}

}  // namespace

SocketConnection::SocketConnection(drv::Machine& machine, drv::NativeDescriptors& descriptors,
                                   const drv::Caller& caller, bool may_open,
                                   base::Ref<SocketSender> sender, std::span<std::byte> replies)
    : machine_(machine),
      descriptors_(descriptors),
      share_(base::make_ref<drv::NativeDescriptors::Share>()),
      caller_(caller),
      may_open_(may_open),
      sender_(std::move(sender)),
      replies_(replies) {}

SocketConnection::~SocketConnection() {
  sender_->close();
  // A file of a call that others have too lives on, without it.
  for (const auto& [id, object] : objects_) object->interrupt(call_id(id));
  if (link_) link_->leave();
}

base::Result<> SocketConnection::handle(std::span<std::byte> message, PassedDescriptors passed) {
  wire::Header header;
  if (message.size() < sizeof(header))
    return base::fail(EPROTO, "a message of {} bytes", message.size());
  std::memcpy(&header, message.data(), sizeof(header));
  if (header.magic != wire::kMagic) return base::fail(EPROTO, "magic {:#x}", header.magic);
  if (header.bytes != message.size())
    return base::fail(EPROTO, "{} bytes announced, {} sent", header.bytes, message.size());
  if (!file_ && !link_ && header.type != Type::kHello)
    return base::fail(EPROTO, "message {} before Hello", static_cast<uint32_t>(header.type));

  const bool call = header.type == Type::kIoctl || header.type == Type::kFdIoctl ||
                    header.type == Type::kLargeIoctl;
  if (passed.bad() || (passed.count() != 0 && !call))
    return base::fail(EPROTO, "message {} with a descriptor that does not belong there",
                      static_cast<uint32_t>(header.type));

  const auto parsed =
      [&]<typename T>(base::Result<> (SocketConnection::*serve)(const T&)) -> base::Result<> {
    const base::Result<T> request = whole<T>(message);
    if (!request) return tl::unexpected(request.error());
    return (this->*serve)(*request);
  };
  switch (header.type) {
    case Type::kHello:
      return parsed(&SocketConnection::hello);
    case Type::kIoctl:
    case Type::kFdIoctl:
    case Type::kLargeIoctl:
      return ioctl(message, std::move(passed));
    case Type::kInterrupt:
      return parsed(&SocketConnection::interrupt);
    case Type::kGetArena:
    case Type::kGetBo:
    case Type::kGetFencePage:
      return parsed(&SocketConnection::get_descriptor);
    case Type::kRead:
      return parsed(&SocketConnection::read);
    case Type::kOpenSwSync:
      return parsed(&SocketConnection::open_sw_sync);
    case Type::kHelloReply:
    case Type::kIoctlReply:
    case Type::kFdReply:
    case Type::kReadReply:
      break;
  }
  return base::fail(EPROTO, "message type {}", static_cast<uint32_t>(header.type));
}

// Two calls of one id could not be told apart by their replies.
base::Result<> SocketConnection::check_id(uint32_t id) {
  if (sender_->is_pending(id)) return base::fail(EPROTO, "id {} is that of a pending call", id);
  return {};
}

void SocketConnection::refuse(uint32_t id, Type reply, int result) {
  const wire::IoctlReply head = answer_head(reply, id, result, 0);
  sender_->send({.head = bytes_of(head)});
}

base::Result<> SocketConnection::hello(const wire::Hello& hello) {
  if (file_ || link_) return base::fail(EPROTO, "a second Hello");
  const bool joins = hello.token[0] != 0 || hello.token[1] != 0;
  if (hello.node > (joins ? wire::Node::kRender : wire::Node::kPrimary))
    return base::fail(EPROTO, "Hello for node {}", static_cast<uint32_t>(hello.node));
  wire::Reply reply = {};
  reply.header = header_of(Type::kHelloReply, hello.header.id, sizeof(reply));
  reply.result = open_or_join(hello);
  sender_->send({.head = bytes_of(reply)});
  return {};
}

// A refusal leaves the client free to say Hello again.
int SocketConnection::open_or_join(const wire::Hello& hello) {
  if (hello.version != wire::kVersion) return -EPROTONOSUPPORT;
  if (hello.token[0] == 0 && hello.token[1] == 0) {
    if (!may_open_) return -EACCES;
    auto file = machine_.open(caller_, hello.node == wire::Node::kRender);
    if (!file) return file.error().negated();
    file_ = std::move(*file);
    return 0;
  }
  drv::File* file = machine_.redeem(hello.token, caller_.uid);
  if (file == nullptr) return -EACCES;
  link_ = ChannelLink::join(*file, sender_);
  return 0;
}

base::Result<> SocketConnection::interrupt(const wire::Interrupt& interrupt) {
  if (interrupt.pad != 0) return base::fail(EPROTO, "Interrupt with padding {:#x}", interrupt.pad);
  // Of a call that was just answered: the signal came too late to matter.
  const auto object = objects_.find(interrupt.call);
  if (object != objects_.end())
    object->second->interrupt(call_id(interrupt.call));
  else if (file_)
    file_->interrupt(interrupt.call);
  return {};
}

base::Result<> SocketConnection::get_descriptor(const wire::GetFd& request) {
  if (request.pad != 0) return base::fail(EPROTO, "GetFd with padding {:#x}", request.pad);
  if (request.header.type != Type::kGetBo && request.handle != 0)
    return base::fail(EPROTO, "message {} of handle {}", static_cast<uint32_t>(request.header.type),
                      request.handle);
  FAKEGPU_TRY(check_id(request.header.id));
  const auto send = [&](drv::File* file) { send_descriptor(file, request, *sender_); };
  if (link_)
    link_->with_file(send);
  else
    send(file_.get());
  return {};
}

base::Result<> SocketConnection::read(const wire::ReadRequest& request) {
  const uint32_t id = request.header.id;
  if (request.nonblock > 1) return base::fail(EPROTO, "Read with nonblock {}", request.nonblock);
  FAKEGPU_TRY(check_id(id));
  if (link_) {
    refuse(id, Type::kReadReply, -EPERM);
    return {};
  }
  const auto to = replies_.subspan(sizeof(wire::IoctlReply))
                      .first(std::min<size_t>(request.bytes, ioctl::kMaxCallBytes));
  auto late = [sender = sender_, id](int result, std::span<const std::byte> bytes) {
    const auto head = answer_head(Type::kReadReply, id, result, bytes.size());
    sender->answer(id, {.head = bytes_of(head), .body = bytes});
  };
  const std::optional<int> result = file_->read(id, to, request.nonblock != 0, std::move(late));
  if (!result) {
    sender_->add_pending(id);
    return {};
  }
  const size_t bytes = *result > 0 ? static_cast<size_t>(*result) : 0;
  const auto head = answer_head(Type::kReadReply, id, *result, bytes);
  sender_->send({.head = bytes_of(head), .body = to.first(bytes)});
  return {};
}

base::Result<> SocketConnection::ioctl(std::span<std::byte> message, PassedDescriptors passed) {
  const auto call = IoctlMessage::parse(message, passed.count());
  if (!call) return tl::unexpected(call.error());
  const wire::IoctlRequest& request = call->request;
  const uint32_t id = request.header.id;
  FAKEGPU_TRY(check_id(id));
  if (link_) {
    refuse(id, Type::kIoctlReply, -EPERM);
    return {};
  }
  std::shared_ptr<drv::File> object;
  if (request.header.type == Type::kFdIoctl) {
    object = descriptors_.find(passed.next().get());
    if (!object) {
      refuse(id, Type::kIoctlReply, -ENOTTY);
      return {};
    }
  }
  drv::File& file = object ? *object : *file_;
  const ioctl::Plan plan = file.plan(request.command, caller_, call->struct_in());
  if (plan.error != 0) {
    refuse(id, Type::kIoctlReply, plan.error);
    return {};
  }
  // A client that cannot read its arrays sends none of them.
  if (request.spans == 0 && !plan.segments.empty()) {
    refuse(id, Type::kIoctlReply, -EFAULT);
    return {};
  }
  if (plan.segments != call->segments)
    return base::fail(EPROTO, "ioctl {:#x} with other spans than its struct says", request.command);
  if (call->large()) {
    run_large(*call, passed.next());
    return {};
  }
  // The message is as long as it may be for what goes in.
  if (call->out_bytes > ioctl::kMaxCallBytes) {
    refuse(id, Type::kIoctlReply, -ENOMEM);
    return {};
  }
  base::UniqueFd taken;
  if (request.taken == wire::Taken::kPassed) taken = passed.next();
  // What comes back is built where the reply is sent from.
  ioctl::PlannedMemory memory;
  const size_t out_bytes = call->lay_out(replies_.subspan(sizeof(wire::IoctlReply)), memory);
  perform(std::move(object), request, memory, out_bytes, std::move(taken));
  return {};
}

void SocketConnection::run_large(const IoctlMessage& call, base::UniqueFd arrays) {
  const ioctl::StructCopy& copy = call.copy;
  const std::span<std::byte> window =
      replies_.subspan(sizeof(wire::IoctlReply)).first(std::max(copy.in_bytes, copy.out_bytes));
  std::ranges::copy(call.in, window.begin());
  std::ranges::fill(window.subspan(call.in.size()), std::byte{0});
  MemfdMemory memory(call.request.arg, window, call.segments, std::move(arrays));
  perform(nullptr, call.request, memory, copy.out_bytes, {});
}

// `out_bytes`: how much of replies_ after the head goes back if the answer comes at once.
void SocketConnection::perform(std::shared_ptr<drv::File> object, const wire::IoctlRequest& request,
                               ioctl::UserMemory& memory, size_t out_bytes, base::UniqueFd taken) {
  const uint32_t id = request.header.id;
  const ioctl::StructCopy copy = ioctl::struct_copy(request.command);
  const std::span<std::byte> body = replies_.subspan(sizeof(wire::IoctlReply));
  // A struct that is longer here than in the driver: its end goes back as it came.
  const ioctl::Row* row = ioctl::find_row(request.command);
  std::vector<std::byte> tail;
  if (row != nullptr && copy.out_bytes > row->size)
    tail.assign(body.begin() + row->size, body.begin() + copy.out_bytes);
  auto late = [sender = sender_, id, struct_bytes = copy.out_bytes, tail = std::move(tail)](
                  int result, std::span<const std::byte> arg) {
    const size_t known = struct_bytes - tail.size();
    const bool copied = arg.size() >= known;
    const auto head = answer_head(Type::kIoctlReply, id, result, copied ? struct_bytes : 0);
    if (copied)
      sender->answer(id, {.head = bytes_of(head), .body = arg.first(known), .tail = tail});
    else
      sender->answer(id, {.head = bytes_of(head)});
  };
  SocketDescriptors descriptors(descriptors_, *share_, request, std::move(taken));
  const drv::Request call{request.command, request.arg, caller_, object ? call_id(id) : id,
                          &descriptors};
  drv::File& file = object ? *object : *file_;
  const drv::Outcome result = file.ioctl(call, memory, std::move(late));
  if (!result) {
    if (object) {
      std::erase_if(objects_, [this](const auto& at) { return !sender_->is_pending(at.first); });
      objects_[id] = std::move(object);
    }
    return sender_->add_pending(id);
  }
  auto head = answer_head(Type::kIoctlReply, id, *result, out_bytes);
  base::UniqueFd given;
  if (*result == 0) given = descriptors.release();
  if (given && descriptors.keep_on_exec()) head.flags = wire::kKeepOnExec;
  std::memcpy(replies_.data(), &head, sizeof(head));
  const int error =
      sender_->send({.head = replies_.first(head.header.bytes), .descriptor = std::move(given)});
  if (error != 0) refuse(id, Type::kIoctlReply, error);
}

base::Result<> SocketConnection::open_sw_sync(const wire::OpenSwSync& request) {
  const uint32_t id = request.header.id;
  FAKEGPU_TRY(check_id(id));
  const auto open = [&]() -> base::Result<base::UniqueFd> {
    if (link_) return base::fail(EPERM, "a channel");
    drv::NativeCall call(descriptors_, *share_);
    if (const int error = call.reserve(true)) return base::fail(-error, "no descriptors left");
    auto file = machine_.open_sw_sync({request.name, strnlen(request.name, sizeof(request.name))});
    if (!file) return tl::unexpected(std::move(file).error());
    call.install(std::move(*file));
    return call.release();
  };
  send_given(id, open());
  return {};
}

void SocketConnection::send_given(uint32_t id, base::Result<base::UniqueFd> descriptor) {
  wire::FdReply reply = {};
  reply.header = header_of(Type::kFdReply, id, sizeof(reply));
  if (descriptor) {
    const int error =
        sender_->send({.head = bytes_of(reply), .descriptor = std::move(*descriptor)});
    if (error == 0) return;
    reply.result = error;
  } else {
    reply.result = descriptor.error().negated();
  }
  sender_->send({.head = bytes_of(reply)});
}

}  // namespace fakegpu::cuse_dev
