// SPDX-License-Identifier: MIT
// What breaks the protocol ends the connection, with all it had, and nobody else's.
#include <fcntl.h>

#include "socket_fixture.h"

namespace fakegpu::cuse_dev {
namespace {

using wire::Type;

struct Violation {
  const char* name;
  std::function<void(Peer&)> commit;
  bool greet = true;
};

template <typename T>
T make(Peer& peer, Type type) {
  T message = {};
  message.header = peer.header(type, sizeof(T));
  return message;
}

// A well-formed SYNCOBJ_SIGNAL of one handle, for `damage` to spoil.
void spoiled_ioctl(Peer& peer, const std::function<void(std::vector<std::byte>&)>& damage) {
  const uint32_t handle = peer.syncobj();
  drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
  Peer::Call call = peer.flatten(DRM_IOCTL_SYNCOBJ_SIGNAL, &arg);
  damage(call.message);
  wire::Header header = peer.header(Type::kIoctl, call.message.size());
  std::memcpy(call.message.data(), &header, std::min(sizeof(header), call.message.size()));
  peer.send_raw(call.message);
}

template <typename T>
void change(std::vector<std::byte>& message, size_t offset, T value) {
  std::memcpy(message.data() + offset, &value, sizeof(value));
}

constexpr size_t kSpan = sizeof(wire::IoctlRequest);

std::vector<Violation> violations() {
  std::vector<Violation> all;
  auto add = [&](const char* name, std::function<void(Peer&)> commit, bool greet = true) {
    all.push_back({name, std::move(commit), greet});
  };
  add("empty message", [](Peer& p) { p.send_raw({}); });
  add("one byte", [](Peer& p) { p.send(std::byte{}); });
  add("short header", [](Peer& p) {
    auto m = make<wire::GetFd>(p, Type::kGetArena);
    p.send_raw(std::as_bytes(std::span(&m, 1)).first(15));
  });
  add("wrong magic", [](Peer& p) {
    auto m = make<wire::GetFd>(p, Type::kGetArena);
    m.header.magic ^= 1;
    p.send(m);
  });
  for (const int off : {-1, 1}) {
    add("wrong length in header", [off](Peer& p) {
      auto m = make<wire::GetFd>(p, Type::kGetArena);
      m.header.bytes += off;
      p.send(m);
    });
  }
  for (const uint32_t type : {0u, 2u, 4u, 8u, 10u, 12u, 0xffffffffu}) {
    add("unknown type", [type](Peer& p) { p.send(make<wire::GetFd>(p, static_cast<Type>(type))); });
  }
  for (const Type type :
       {Type::kHello, Type::kIoctl, Type::kInterrupt, Type::kGetArena, Type::kGetBo, Type::kRead}) {
    add("header only", [type](Peer& p) { p.send(p.header(type, sizeof(wire::Header))); });
    add("too long", [type](Peer& p) {
      struct {
        wire::Header header;
        uint8_t more[500];
      } m = {p.header(type, sizeof(m)), {}};
      p.send(m);
    });
  }
  add("second Hello", [](Peer& p) {
    auto m = make<wire::Hello>(p, Type::kHello);
    m.version = wire::kVersion;
    p.send(m);
  });
  add(
      "Hello for a node that is not",
      [](Peer& p) {
        auto m = make<wire::Hello>(p, Type::kHello);
        m.version = wire::kVersion;
        m.node = wire::Node{2};
        p.send(m);
      },
      false);
  add(
      "Hello for a node and with a token",
      [](Peer& p) {
        auto m = make<wire::Hello>(p, Type::kHello);
        m.version = wire::kVersion;
        m.node = wire::Node::kPrimary;
        m.token[0] = 1;
        p.send(m);
      },
      false);
  add(
      "ioctl before Hello",
      [](Peer& p) {
        uint64_t arg = 0;
        p.start(DRM_IO(0x9f), arg);
      },
      false);
  add(
      "arena before Hello", [](Peer& p) { p.send(make<wire::GetFd>(p, Type::kGetArena)); }, false);
  add(
      "read before Hello", [](Peer& p) { p.send(make<wire::ReadRequest>(p, Type::kRead)); }, false);
  add(
      "interrupt before Hello", [](Peer& p) { p.send(make<wire::Interrupt>(p, Type::kInterrupt)); },
      false);
  add("interrupt with padding", [](Peer& p) {
    auto m = make<wire::Interrupt>(p, Type::kInterrupt);
    m.pad = 1;
    p.send(m);
  });
  add("GetBo with padding", [](Peer& p) {
    auto m = make<wire::GetFd>(p, Type::kGetBo);
    m.pad = 1;
    p.send(m);
  });
  add("GetArena with a handle", [](Peer& p) {
    auto m = make<wire::GetFd>(p, Type::kGetArena);
    m.handle = 1;
    p.send(m);
  });
  add("GetFencePage with a handle", [](Peer& p) {
    auto m = make<wire::GetFd>(p, Type::kGetFencePage);
    m.handle = 1;
    p.send(m);
  });
  add("read with odd nonblock", [](Peer& p) {
    auto m = make<wire::ReadRequest>(p, Type::kRead);
    m.nonblock = 2;
    p.send(m);
  });
  add("read with the id of a pending call", [](Peer& p) {
    const uint32_t id = p.start_wait(p.syncobj());
    auto m = make<wire::ReadRequest>(p, Type::kRead);
    m.header.id = id;
    p.send(m);
  });
  add("GetArena with the id of a pending call", [](Peer& p) {
    const uint32_t id = p.start_wait(p.syncobj());
    auto m = make<wire::GetFd>(p, Type::kGetArena);
    m.header.id = id;
    p.send(m);
  });
  add("ioctl with the id of a pending call", [](Peer& p) {
    const uint32_t handle = p.syncobj();
    drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, 0};
    Peer::Call call = p.flatten(DRM_IOCTL_SYNCOBJ_SIGNAL, &arg);
    const uint32_t id = p.start_wait(handle);
    change(call.message, offsetof(wire::Header, id), id);
    p.send_raw(call.message);
  });
  add("spans beyond the message", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, offsetof(wire::IoctlRequest, spans), 5u); });
  });
  add("spans beyond counting", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, offsetof(wire::IoctlRequest, spans), 0x10000000u); });
  });
  add("span of unknown direction", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, kSpan + offsetof(wire::Span, direction), 3u); });
  });
  add("span that goes another way", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, kSpan + offsetof(wire::Span, direction), 2u); });
  });
  add("span elsewhere", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, kSpan + offsetof(wire::Span, address), 4096ull); });
  });
  add("span longer than its bytes", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, kSpan + offsetof(wire::Span, bytes), 8u); });
  });
  add("span of 4 GiB", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { change(m, kSpan + offsetof(wire::Span, bytes), 0xffffffffu); });
  });
  add("span and bytes longer than the plan", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) {
      change(m, kSpan + offsetof(wire::Span, bytes), 8u);
      m.insert(m.end(), 4, std::byte{});
    });
  });
  add("struct count beyond the spans", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) {
      change(m, kSpan + sizeof(wire::Span) + offsetof(drm_syncobj_array, count_handles), 2u);
    });
  });
  add("missing array bytes", [](Peer& p) { spoiled_ioctl(p, [](auto& m) { m.pop_back(); }); });
  add("bytes too many",
      [](Peer& p) { spoiled_ioctl(p, [](auto& m) { m.push_back(std::byte{}); }); });
  add("missing struct", [](Peer& p) {
    spoiled_ioctl(p, [](auto& m) { m.erase(m.begin() + kSpan + sizeof(wire::Span), m.end()); });
  });
  add("a message longer than any call", [](Peer& p) {
    const int bytes = 1 << 20;
    ::setsockopt(p.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    std::vector<std::byte> m(kMaxRequestBytes + 1);
    const wire::Header header = p.header(Type::kIoctl, m.size());
    std::memcpy(m.data(), &header, sizeof(header));
    if (p.send_raw(m) == EMSGSIZE) p.send_raw({});
  });
  return all;
}

class SocketProtocol : public SocketTest {};
FAKEGPU_BOTH_LOOPS(SocketProtocol);

TEST_P(SocketProtocol, AViolationEndsTheConnectionAndNobodyElses) {
  Daemon daemon(GetParam());
  Peer witness(daemon);
  const uint32_t wait = witness.start_wait(witness.syncobj());
  for (const Violation& violation : violations()) {
    SCOPED_TRACE(violation.name);
    Peer culprit(daemon, violation.greet);
    violation.commit(culprit);
    EXPECT_TRUE(culprit.is_cut_off());
    EXPECT_NE(witness.syncobj(), 0u);
  }
  EXPECT_TRUE(becomes([&] { return daemon.machine().census().files == 1; }));
  witness.interrupt(wait);
  EXPECT_EQ(witness.answer(wait, Type::kIoctlReply).result(), -EINTR);
}

TEST_P(SocketProtocol, DescriptorsFromAClientAreClosed) {
  Daemon daemon(GetParam());
  for (const bool greet : {true, false}) {
    int pipe_ends[2];
    ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
    base::UniqueFd reader(pipe_ends[0]);
    base::UniqueFd writer(pipe_ends[1]);
    Peer peer(daemon, greet);
    wire::Hello hello = make<wire::Hello>(peer, Type::kHello);
    hello.version = wire::kVersion;
    iovec data = {&hello, sizeof(hello)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int passed = writer.get();
    std::memcpy(CMSG_DATA(rights), &passed, sizeof(passed));
    ASSERT_GT(::sendmsg(peer.fd(), &message, 0), 0);
    writer.reset();
    EXPECT_TRUE(peer.is_cut_off());
    pollfd hung_up = {reader.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&hung_up, 1, kPatienceMillis), 1);
    EXPECT_TRUE(hung_up.revents & POLLHUP);
  }
}

// As a client says that it cannot read its arrays, after all that the driver checks before them.
TEST_P(SocketProtocol, NoSpansWhereThereAreArraysIsEfault) {
  Daemon daemon(GetParam());
  Peer peer(daemon);
  const uint32_t handle = peer.syncobj();
  for (const uint32_t pad : {0u, 1u}) {
    drm_syncobj_array arg = {reinterpret_cast<uintptr_t>(&handle), 1, pad};
    const wire::IoctlRequest request = {peer.header(Type::kIoctl, sizeof(request) + sizeof(arg)),
                                        static_cast<uint32_t>(DRM_IOCTL_SYNCOBJ_SIGNAL), 0,
                                        reinterpret_cast<uintptr_t>(&arg)};
    std::vector<std::byte> message(sizeof(request) + sizeof(arg));
    std::memcpy(message.data(), &request, sizeof(request));
    std::memcpy(message.data() + sizeof(request), &arg, sizeof(arg));
    ASSERT_EQ(peer.send_raw(message), 0);
    const Peer::Reply reply = peer.answer(request.header.id, Type::kIoctlReply);
    EXPECT_EQ(reply.result(), pad == 0 ? -EFAULT : -EINVAL);
    EXPECT_TRUE(reply.body().empty());
  }
  EXPECT_NE(peer.syncobj(), 0u);
}

TEST_P(SocketProtocol, ARefusedHelloMayBeSaidAgain) {
  Daemon daemon(GetParam());
  Peer peer(daemon, false);
  wire::Hello other = make<wire::Hello>(peer, Type::kHello);
  other.version = wire::kVersion + 1;
  peer.send(other);
  EXPECT_EQ(peer.answer(other.header.id, Type::kHelloReply).as<wire::Reply>().result,
            -EPROTONOSUPPORT);
  EXPECT_EQ(peer.hello(12, 34), -EACCES);
  EXPECT_EQ(peer.hello(0, 0), 0);
  EXPECT_NE(peer.syncobj(), 0u);
}

}  // namespace
}  // namespace fakegpu::cuse_dev
