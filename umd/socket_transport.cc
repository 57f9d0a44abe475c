// SPDX-License-Identifier: MIT
// Flattened ioctls over the daemon's socket: no privilege and no kernel feature needed.
#include <drm.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "call_fds.h"
#include "caller_memory.h"
#include "connection.h"
#include "fd_requests.h"
#include "ioctl/passing.h"
#include "ioctl/plan.h"
#include "ioctl/table.h"
#include "ioctl/user_memory.h"
#include "transport.h"

namespace fakegpu::umd {

namespace wire = ioctl::wire;

namespace {

using Arrays = std::span<const ioctl::Segment>;

bool goes_out(const ioctl::Segment& segment) {
  return segment.direction != ioctl::Direction::kIn;
}

uint64_t bytes_of(Arrays arrays) {
  uint64_t bytes = 0;
  for (const ioctl::Segment& segment : arrays) bytes += segment.bytes;
  return bytes;
}

// A memfd with the arrays of a call. 0, -EFAULT, or -ENOMEM.
int copy_to_memfd(ioctl::UserMemory& memory, Arrays arrays, OwnedFd* out) {
  OwnedFd fd(::memfd_create("fakegpu-arrays", MFD_CLOEXEC));
  if (!fd) return -ENOMEM;
  std::vector<std::byte> piece(ioctl::kMaxCallBytes);
  for (const ioctl::Segment& segment : arrays) {
    for (uint32_t at = 0; at < segment.bytes;) {
      std::span<std::byte> some =
          std::span(piece).first(std::min<size_t>(piece.size(), segment.bytes - at));
      if (!memory.fetch(segment.address + at, some)) return -EFAULT;
      at += static_cast<uint32_t>(some.size());
      while (!some.empty()) {
        const ssize_t written = ::write(fd.get(), some.data(), some.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -ENOMEM;
        some = some.subspan(static_cast<size_t>(written));
      }
    }
  }
  *out = std::move(fd);
  return 0;
}

// What an array that only comes out holds now, as far as there is one: a caller may state more room
// than it has. False: nothing of it is there.
bool fetch_room(ioctl::UserMemory& memory, uint64_t address, std::span<std::byte> to) {
  if (memory.fetch(address, to)) return true;
  constexpr size_t kPage = 4096;
  size_t got = 0;
  while (got < to.size()) {
    const size_t page = std::min(kPage - (address + got) % kPage, to.size() - got);
    if (!memory.fetch(address + got, to.subspan(got, page))) break;
    got += page;
  }
  return got > 0;
}

// A caller may state more room than it has. So only what the driver stored is written: `after` as
// far as it differs from `before`.
bool store_changes(ioctl::UserMemory& memory, uint64_t address, std::span<const std::byte> before,
                   std::span<const std::byte> after) {
  size_t first = 0;
  size_t end = before.size();
  while (first < end && before[first] == after[first]) ++first;
  while (end > first && before[end - 1] == after[end - 1]) --end;
  return first == end || memory.store(address + first, after.subspan(first, end - first));
}

class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(OwnedFd socket) : connection_(std::move(socket)) {}

  int hello(Node node) {
    const uint64_t new_file[2] = {0, 0};
    return connection_.hello(new_file,
                             node == Node::kPrimary ? wire::Node::kPrimary : wire::Node::kRender);
  }

  const char* name() const override { return "socket"; }

  int ioctl(uint32_t command, void* arg, Pointers pointers) override {
    return with_caller_memory(
        pointers, [&](ioctl::UserMemory& memory) { return call(-1, command, arg, memory); });
  }

  int fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) override {
    if (::fcntl(fd, F_GETFD) < 0) return -errno;
    OwnedFd duplicate;
    const int held = CallFds::hold(fd, duplicate);
    if (held < 0) {
      // Not of the daemon's; the kernel knows.
      const int result = ::ioctl(fd, command, arg);
      return result >= 0 ? result : -errno;
    }
    return with_caller_memory(
        pointers, [&](ioctl::UserMemory& memory) { return call(held, command, arg, memory); });
  }

  int open_sw_sync() override {
    wire::OpenSwSync open = {};
    // The kernel names the timeline after the thread that opens it.
    ::prctl(PR_GET_NAME, open.name);
    OwnedFd fd;
    wire::FdReply answer = {};
    const int result = FdRequests::ask(connection_, wire::Type::kOpenSwSync,
                                       std::as_writable_bytes(std::span(&open, 1)), &fd, &answer);
    return result == 0 ? fd.release() : result;
  }

  int bo_pages(const BoRange& bo, BoPages* out) override {
    return fds_.bo_pages(connection_, bo, out);
  }

  int fence_pages(uint64_t, FencePages* out) override {
    return FdRequests::fence_pages(connection_, out);
  }

  int read_events(std::span<std::byte> to, bool block) override {
    wire::ReadRequest read = {};
    read.bytes = static_cast<uint32_t>(std::min<size_t>(to.size(), ioctl::kMaxCallBytes));
    read.nonblock = block ? 0 : 1;
    Connection::Reply reply;
    int result = connection_.call(wire::Type::kRead, std::as_writable_bytes(std::span(&read, 1)),
                                  wire::Type::kReadReply, sizeof(wire::IoctlReply), true, &reply);
    if (result != 0) return result;
    result = result_of(reply);
    if (result <= 0) return result;
    const size_t bytes = static_cast<size_t>(result);
    if (bytes > to.size() || reply.bytes.size() != sizeof(wire::IoctlReply) + bytes) return -ENODEV;
    std::memcpy(to.data(), reply.bytes.data() + sizeof(wire::IoctlReply), bytes);
    return result;
  }

 private:
  static int result_of(const Connection::Reply& reply) {
    wire::IoctlReply answer;
    std::memcpy(&answer, reply.bytes.data(), sizeof(answer));
    return answer.result;
  }

  // A QUERY of more points than a message has room for. Like the kernel, which looks at one syncobj
  // after the other, it may see some of them before a change and others after it. Nothing: the
  // driver is to say what is wrong with it.
  std::optional<int> query_in_parts(drm_syncobj_timeline_array query, ioctl::UserMemory& memory);

  // `subject`: the descriptor that the call is on; -1: the device's file.
  int call(int subject, uint32_t command, void* arg, ioctl::UserMemory& memory);

  Connection connection_;
  FdRequests fds_;
};

std::optional<int> SocketTransport::query_in_parts(drm_syncobj_timeline_array query,
                                                   ioctl::UserMemory& memory) {
  if (query.count_handles > ioctl::kMaxSyncobjArray) return std::nullopt;
  std::vector<uint32_t> handles(query.count_handles);
  if (!memory.fetch(query.handles, std::as_writable_bytes(std::span(handles)))) return std::nullopt;
  std::vector<uint64_t> points(handles.size());
  constexpr uint32_t kPart = ioctl::kMaxCallBytes / (sizeof(uint32_t) + sizeof(uint64_t));
  ioctl::DirectMemory here;
  for (uint32_t at = 0; at < query.count_handles; at += kPart) {
    drm_syncobj_timeline_array part = query;
    part.handles = reinterpret_cast<uintptr_t>(&handles[at]);
    part.points = reinterpret_cast<uintptr_t>(&points[at]);
    part.count_handles = std::min(kPart, query.count_handles - at);
    if (const int result = call(-1, DRM_IOCTL_SYNCOBJ_QUERY, &part, here)) return result;
  }
  return memory.store(query.points, std::as_bytes(std::span(points))) ? 0 : -EFAULT;
}

int SocketTransport::call(int subject, uint32_t command, void* arg, ioctl::UserMemory& memory) {
  const uint64_t address = reinterpret_cast<uintptr_t>(arg);
  const ioctl::StructCopy copy = ioctl::struct_copy(command);
  std::vector<std::byte> in(copy.in_bytes);
  if (!memory.fetch(address, in)) return -EFAULT;

  ioctl::Plan plan;
  std::vector<std::byte> known = in;
  const ioctl::Row* row = ioctl::find_row(command);
  if (row) {
    // As the driver will see it: cut or zero-extended to the struct that this build knows.
    known.resize(row->size);
    plan = ioctl::plan_arrays(*row, known);
  }
  bool readable = plan.error == 0;
  OwnedFd arrays;
  if (bytes_of(plan.segments) > ioctl::kMaxCallBytes) {
    if (std::ranges::any_of(plan.segments, goes_out)) {
      drm_syncobj_timeline_array query;
      std::memcpy(&query, known.data(), sizeof(query));
      if (const std::optional<int> result = query_in_parts(query, memory)) return *result;
      readable = false;
    } else {
      const int error = copy_to_memfd(memory, plan.segments, &arrays);
      if (error == -ENOMEM) return error;
      readable = error == 0;
    }
  }
  CallFds fds(row, known, subject);

  wire::IoctlRequest request = {};
  request.taken = fds.taken();
  request.reserved = fds.reserved();
  request.command = command;
  request.spans = static_cast<uint32_t>(plan.segments.size());
  request.arg = address;
  std::vector<std::byte> message(sizeof(request));
  const auto append = [&message](std::span<const std::byte> bytes) {
    message.insert(message.end(), bytes.begin(), bytes.end());
  };
  size_t out_bytes = copy.out_bytes;
  for (const ioctl::Segment& segment : plan.segments) {
    const wire::Span span = {segment.address, segment.bytes,
                             static_cast<uint32_t>(segment.direction)};
    append(std::as_bytes(std::span(&span, 1)));
    if (goes_out(segment)) out_bytes += segment.bytes;
  }
  append(in);
  if (arrays) plan.segments.clear();
  // Those that only come out too, so that what the driver does not store can be told apart.
  const size_t arrays_at = message.size();
  for (const ioctl::Segment& segment : plan.segments) {
    if (!readable) break;
    const size_t at = message.size();
    message.resize(at + segment.bytes);
    const std::span<std::byte> to = std::span(message).subspan(at);
    readable = segment.direction == ioctl::Direction::kOut ? fetch_room(memory, segment.address, to)
                                                           : memory.fetch(segment.address, to);
  }
  if (!readable) {
    // An error, but the daemon may find another one before it comes to the arrays.
    request.spans = 0;
    message.resize(sizeof(request));
    append(in);
  }
  std::memcpy(message.data(), &request, sizeof(request));

  Connection::Reply reply;
  wire::Type type = subject < 0 ? wire::Type::kIoctl : wire::Type::kFdIoctl;
  std::span<const int> passed = fds.passed();
  const int memfd = arrays.get();
  if (arrays) {
    type = wire::Type::kLargeIoctl;
    passed = {&memfd, 1};
  }
  const int sent = connection_.call(type, message, wire::Type::kIoctlReply,
                                    sizeof(wire::IoctlReply), true, &reply, passed);
  if (sent != 0) return sent;
  const int result = result_of(reply);
  const std::span<std::byte> stored = std::span(reply.bytes).subspan(sizeof(wire::IoctlReply));
  std::span<const std::byte> out = stored;
  if (out.empty()) {
    // Refused before it reached the driver: the struct goes back as it came.
    in.resize(copy.out_bytes);
    return memory.store(address, in) ? result : -EFAULT;
  }
  if (!readable || out.size() != out_bytes) return -ENODEV;
  if (result == 0) {
    if (const int error = fds.install(reply, stored.first(copy.out_bytes))) return error;
  }
  if (!memory.store(address, out.first(copy.out_bytes))) return -EFAULT;
  out = out.subspan(copy.out_bytes);
  std::span<const std::byte> before = std::span<const std::byte>(message).subspan(arrays_at);
  for (const ioctl::Segment& segment : plan.segments) {
    if (goes_out(segment)) {
      if (!store_changes(memory, segment.address, before.first(segment.bytes), out)) return -EFAULT;
      out = out.subspan(segment.bytes);
    }
    before = before.subspan(segment.bytes);
  }
  if (result == 0) fds.release();
  return result;
}

}  // namespace

int open_socket(OwnedFd socket, std::unique_ptr<Transport>* out, Node node) {
  auto transport = std::make_unique<SocketTransport>(std::move(socket));
  const int result = transport->hello(node);
  if (result == 0) *out = std::move(transport);
  return result;
}

}  // namespace fakegpu::umd
