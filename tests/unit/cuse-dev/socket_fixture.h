// SPDX-License-Identifier: MIT
// A daemon with nothing but its socket, and the client's end of the socket done by hand, so that it
// can say what no proper client would.
#pragma once

#include <fakegpu_drm.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/real_executor.h"
#include "drv/machine.h"
#include "ioctl/plan.h"
#include "ioctl/wire.h"
#include "loop.h"
#include "socket_transport.h"

namespace fakegpu::cuse_dev {

namespace wire = ioctl::wire;

inline constexpr int kPatienceMillis = 20'000;

inline size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

inline std::string make_directory() {
  std::string name = std::filesystem::temp_directory_path() / "fakegpu-socket-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  // For clients of other users.
  chmod(name.c_str(), 0755);
  return name;
}

// True once `condition` holds; looks again and again until it does or patience ends.
inline bool becomes(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMillis);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// As the server does it: machine, executor, loop and transport, the latter two in one thread.
class Daemon : private Transport::Owner {
 public:
  explicit Daemon(LoopKind kind, SocketTransport::Options socket = {})
      : directory_(make_directory()), path_(directory_ + "/sub/socket") {
    socket.path = path_;
    std::promise<void> ready;
    thread_ = std::thread([&, this] { serve(kind, socket, ready); });
    ready.get_future().wait();
  }
  ~Daemon() override {
    end();
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/sub")) << "something was left there";
    std::filesystem::remove_all(directory_);
  }

  void end() {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
    // Not in its thread: stop() may not have returned there.
    loop_.reset();
  }

  const std::string& path() const { return path_; }
  drv::Machine& machine() { return *machine_; }

  // Runs `task` in the loop's thread and returns its result.
  template <typename F>
  auto on_loop(F task) {
    std::packaged_task<decltype(task())()> packaged(std::move(task));
    auto result = packaged.get_future();
    loop_->post([&packaged] { packaged(); });
    return result.get();
  }

  // Nothing of any client's is left.
  bool becomes_idle() {
    return becomes([this] {
      const auto c = machine_->census();
      return c.files + c.syncobjs + c.contexts + c.jobs + c.waits == 0 && c.bos == idle_.bos &&
             c.heap_bytes[0] == idle_.heap_bytes[0] && c.heap_bytes[1] == idle_.heap_bytes[1];
    });
  }

 private:
  void transport_lost(Transport&) override { ADD_FAILURE() << "the socket was lost"; }

  void serve(LoopKind kind, const SocketTransport::Options& socket, std::promise<void>& ready) {
    loop_ = std::move(*make_loop(kind));
    auto transport = SocketTransport::create(*loop_, socket);
    ASSERT_TRUE(transport) << transport.error().message();
    base::RealExecutor executor(2);
    base::MonotonicClock clock;
    base::Tracer tracer(clock);
    hw::Profile profile;
    profile.vram_bytes = 64 << 20;
    profile.system_bytes = 64 << 20;
    drv::Options options;
    options.channel_path = std::string((*transport)->where());
    auto machine = drv::Machine::create(profile, options, clock, executor, tracer);
    ASSERT_TRUE(machine) << machine.error().message();
    machine_ = std::move(*machine);
    idle_ = machine_->census();
    ASSERT_TRUE((*transport)->start(*machine_, *this));
    ready.set_value();
    loop_->run();
    machine_->shutdown();
    executor.stop();
    (*transport)->stop();
    (*transport)->stop();
    machine_.reset();
    transport->reset();
  }

  const std::string directory_;
  const std::string path_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<drv::Machine> machine_;
  drv::Machine::Census idle_ = {};  // what the driver itself keeps
  std::thread thread_;
};

class Peer {
 public:
  struct Reply {
    std::vector<std::byte> bytes;
    base::UniqueFd fd;

    template <typename T>
    T as() const {
      T value = {};
      EXPECT_GE(bytes.size(), sizeof(T));
      std::memcpy(&value, bytes.data(), std::min(sizeof(T), bytes.size()));
      return value;
    }
    wire::Header header() const { return as<wire::Header>(); }
    int result() const { return as<wire::IoctlReply>().result; }
    std::span<const std::byte> body() const {
      return std::span(bytes).subspan(sizeof(wire::IoctlReply));
    }
  };

  // Connects; says Hello for a new file unless told not to.
  explicit Peer(const Daemon& daemon, bool greet = true)
      : socket_(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, daemon.path().c_str());
    EXPECT_EQ(
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
        << std::strerror(errno);
    if (greet) {
      EXPECT_EQ(hello(0, 0), 0);
    }
  }

  int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

  // 0 or the errno of send().
  int send_raw(std::span<const std::byte> bytes) {
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
  }
  template <typename T>
  int send(const T& message) {
    return send_raw(std::as_bytes(std::span(&message, 1)));
  }

  // The next message. Nothing: the daemon closed the connection (or let us wait too long).
  std::optional<Reply> receive() {
    pollfd readable = {fd(), POLLIN, 0};
    if (::poll(&readable, 1, kPatienceMillis) != 1) {
      ADD_FAILURE() << "nothing came";
      return std::nullopt;
    }
    Reply reply;
    reply.bytes.resize(kMaxReplyBytes + 1);
    iovec data = {reply.bytes.data(), reply.bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) return std::nullopt;
    EXPECT_EQ(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      EXPECT_EQ(c->cmsg_len, CMSG_LEN(sizeof(int)));
      int received;
      std::memcpy(&received, CMSG_DATA(c), sizeof(received));
      reply.fd.reset(received);
    }
    reply.bytes.resize(static_cast<size_t>(got));
    EXPECT_EQ(reply.header().magic, wire::kMagic);
    EXPECT_EQ(reply.header().bytes, reply.bytes.size());
    return reply;
  }
  // The next message, which must be the answer to `id`.
  Reply answer(uint32_t id, wire::Type type) {
    auto reply = receive();
    if (!reply) {
      ADD_FAILURE() << "the connection was closed";
      return {std::vector<std::byte>(sizeof(wire::FdReply)), {}};
    }
    EXPECT_EQ(reply->header().id, id);
    EXPECT_EQ(reply->header().type, type);
    return std::move(*reply);
  }
  // The daemon closes the connection, without another message.
  bool is_cut_off() { return !receive().has_value(); }

  wire::Header header(wire::Type type, size_t bytes, std::optional<uint32_t> id = {}) {
    return {wire::kMagic, type, id.value_or(++last_id_), static_cast<uint32_t>(bytes)};
  }
  uint32_t last_id() const { return last_id_; }

  int hello(uint64_t a, uint64_t b, wire::Node node = wire::Node::kRender) {
    const wire::Hello hello = {
        header(wire::Type::kHello, sizeof(hello)), wire::kVersion, node, {a, b}};
    EXPECT_EQ(send(hello), 0);
    return answer(last_id_, wire::Type::kHelloReply).as<wire::Reply>().result;
  }

  struct Call {
    std::vector<std::byte> message;
    std::vector<ioctl::Segment> segments;
    uint32_t id;
  };
  // The message of a call; `with_out`: the bytes of out-arrays go along.
  Call flatten(unsigned long command, const void* arg, bool with_out = false) {
    Call call;
    const auto word = static_cast<uint32_t>(command);
    const ioctl::StructCopy copy = ioctl::struct_copy(word);
    const std::span in(static_cast<const std::byte*>(arg), copy.in_bytes);
    if (const ioctl::Row* row = ioctl::find_row(word)) {
      std::vector<std::byte> known(in.begin(), in.end());
      known.resize(row->size);
      call.segments = ioctl::plan_arrays(*row, known).segments;
    }
    wire::IoctlRequest request = {};
    request.command = word;
    request.spans = static_cast<uint32_t>(call.segments.size());
    request.arg = reinterpret_cast<uintptr_t>(arg);
    auto append = [&](std::span<const std::byte> bytes) {
      call.message.insert(call.message.end(), bytes.begin(), bytes.end());
    };
    append(std::as_bytes(std::span(&request, 1)));
    for (const auto& segment : call.segments) {
      const wire::Span span = {segment.address, segment.bytes,
                               static_cast<uint32_t>(segment.direction)};
      append(std::as_bytes(std::span(&span, 1)));
    }
    append(in);
    for (const auto& segment : call.segments)
      if (with_out || segment.direction != ioctl::Direction::kOut)
        append({reinterpret_cast<const std::byte*>(segment.address), segment.bytes});
    request.header = header(wire::Type::kIoctl, call.message.size());
    std::memcpy(call.message.data(), &request.header, sizeof(request.header));
    call.id = request.header.id;
    return call;
  }

  // Sends a call without waiting for its answer.
  template <typename T>
  Call start(unsigned long command, T& arg, bool with_out = false) {
    Call call = flatten(command, &arg, with_out);
    EXPECT_EQ(send_raw(call.message), 0);
    return call;
  }
  // An answer given at once: stores what it brings.
  template <typename T>
  int call(unsigned long command, T& arg, bool with_out = false) {
    const Call sent = start(command, arg, with_out);
    const Reply reply = answer(sent.id, wire::Type::kIoctlReply);
    std::span<const std::byte> body = reply.body();
    if (body.empty()) return reply.result();
    size_t expected = ioctl::struct_copy(static_cast<uint32_t>(command)).out_bytes;
    std::vector<std::pair<void*, size_t>> places = {{&arg, expected}};
    for (const auto& segment : sent.segments) {
      if (segment.direction == ioctl::Direction::kIn) continue;
      places.emplace_back(reinterpret_cast<void*>(segment.address), segment.bytes);
      expected += segment.bytes;
    }
    EXPECT_EQ(body.size(), expected);
    if (body.size() != expected) return -EBADMSG;
    for (const auto& [to, bytes] : places) {
      std::memcpy(to, body.data(), bytes);
      body = body.subspan(bytes);
    }
    return reply.result();
  }

  void interrupt(uint32_t call) {
    const wire::Interrupt message = {header(wire::Type::kInterrupt, sizeof(message), call), call,
                                     0};
    EXPECT_EQ(send(message), 0);
  }

  Reply get(wire::Type type, uint32_t handle = 0) {
    const wire::GetFd message = {header(type, sizeof(message)), handle, 0};
    EXPECT_EQ(send(message), 0);
    return answer(last_id_, wire::Type::kFdReply);
  }

  uint32_t start_read(uint32_t bytes, bool nonblock) {
    const wire::ReadRequest message = {header(wire::Type::kRead, sizeof(message)), bytes,
                                       nonblock ? 1u : 0u};
    EXPECT_EQ(send(message), 0);
    return last_id_;
  }

  uint32_t syncobj(uint32_t flags = 0) {
    drm_syncobj_create arg = {0, flags};
    EXPECT_EQ(call(DRM_IOCTL_SYNCOBJ_CREATE, arg), 0);
    return arg.handle;
  }
  int signal(uint32_t handle) {
    drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
    return call(DRM_IOCTL_SYNCOBJ_SIGNAL, arg);
  }
  // A wait that only a signal, an interrupt or the end answers.
  uint32_t start_wait(uint32_t handle) {
    drm_syncobj_wait arg = {};
    arg.handles = reinterpret_cast<uintptr_t>(&handle);
    arg.count_handles = 1;
    arg.timeout_nsec = INT64_MAX;
    arg.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    return start(DRM_IOCTL_SYNCOBJ_WAIT, arg).id;
  }
  // A BO: its handle.
  uint32_t bo(uint64_t size, uint32_t flags = 0) {
    drm_fakegpu_bo_create arg = {};
    arg.size = size;
    arg.flags = flags;
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_BO_CREATE, arg), 0);
    return arg.handle;
  }
  uint64_t map_offset(uint32_t handle) {
    drm_fakegpu_bo_mmap arg = {};
    arg.handle = handle;
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_BO_MMAP, arg), 0);
    return arg.offset;
  }
  drm_fakegpu_channel channel() {
    drm_fakegpu_channel arg = {};
    EXPECT_EQ(call(DRM_IOCTL_FAKEGPU_CHANNEL, arg), 0);
    return arg;
  }

 private:
  base::UniqueFd socket_;
  uint32_t last_id_ = 0;
};

class SocketTest : public testing::TestWithParam<LoopKind> {
 protected:
  void SetUp() override {
    if (auto loop = make_loop(GetParam()); !loop)
      GTEST_SKIP() << "machine lacks " << loop.error().message();
  }
};

inline std::string loop_name(const testing::TestParamInfo<LoopKind>& info) {
  return info.param == LoopKind::kUring ? "uring" : "epoll";
}

#define FAKEGPU_BOTH_LOOPS(suite)                                                             \
  INSTANTIATE_TEST_SUITE_P(Loops, suite, testing::Values(LoopKind::kEpoll, LoopKind::kUring), \
                           loop_name)

}  // namespace fakegpu::cuse_dev
