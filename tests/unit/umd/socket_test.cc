// SPDX-License-Identifier: MIT
// The client's end of the socket against a server of a few lines, in a thread of the test.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

#include <fakegpu/fakegpu.h>

#include "connection.h"
#include "fd_requests.h"
#include "ioctl/wire.h"
#include "transport.h"

namespace fakegpu::umd {
namespace {

namespace wire = ioctl::wire;

// One end of a socketpair, played by hand.
class Server {
 public:
  Server() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    client = OwnedFd(ends[0]);
    end_ = OwnedFd(ends[1]);
  }
  ~Server() {
    hang_up();
    if (thread_.joinable()) thread_.join();
  }

  void run(std::function<void(Server&)> play) {
    thread_ = std::thread([this, play = std::move(play)] { play(*this); });
  }
  void hang_up() { ::shutdown(end_.get(), SHUT_RDWR); }

  // The next message of the client; empty at its end.
  std::vector<std::byte> receive() {
    std::vector<std::byte> message(1 << 18);
    const ssize_t got = ::recv(end_.get(), message.data(), message.size(), 0);
    message.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return message;
  }
  template <typename T>
  static T head(const std::vector<std::byte>& message) {
    T head = {};
    if (message.size() >= sizeof(T)) std::memcpy(&head, message.data(), sizeof(T));
    return head;
  }

  template <typename T>
  void reply(T answer, wire::Type type, uint32_t id, std::vector<std::byte> data = {},
             int fd = -1) {
    answer.header = {wire::kMagic, type, id, static_cast<uint32_t>(sizeof(T) + data.size())};
    std::vector<std::byte> bytes(sizeof(T));
    std::memcpy(bytes.data(), &answer, sizeof(T));
    bytes.insert(bytes.end(), data.begin(), data.end());
    send(bytes, fd);
  }
  void send(std::vector<std::byte> bytes, int fd = -1) {
    iovec data = {bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    ::sendmsg(end_.get(), &message, MSG_NOSIGNAL);
  }
  void accept_hello() {
    const auto hello = receive();
    reply(wire::Reply{}, wire::Type::kHelloReply, head<wire::Header>(hello).id);
  }

  OwnedFd client;

 private:
  OwnedFd end_;
  std::thread thread_;
};

std::vector<std::byte> bytes_of(const void* at, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(at);
  return {bytes, bytes + size};
}

TEST(Socket, SaysHelloForANewFile) {
  for (const Node node : {Node::kRender, Node::kPrimary}) {
    Server server;
    wire::Hello hello = {};
    server.run([&](Server& s) {
      const auto message = s.receive();
      hello = Server::head<wire::Hello>(message);
      EXPECT_EQ(message.size(), sizeof(hello));
      s.reply(wire::Reply{}, wire::Type::kHelloReply, hello.header.id);
    });
    std::unique_ptr<Transport> transport;
    ASSERT_EQ(open_socket(std::move(server.client), &transport, node), 0);
    EXPECT_EQ(hello.header.magic, wire::kMagic);
    EXPECT_EQ(hello.header.type, wire::Type::kHello);
    EXPECT_EQ(hello.header.bytes, sizeof(hello));
    EXPECT_EQ(hello.version, wire::kVersion);
    EXPECT_EQ(hello.token[0] | hello.token[1], 0u);
    EXPECT_STREQ(transport->name(), "socket");
    EXPECT_EQ(transport->fd(), -1);
    EXPECT_EQ(hello.node, node == Node::kPrimary ? wire::Node::kPrimary : wire::Node::kRender);
  }
}

TEST(Socket, GivesTheDaemonsRefusal) {
  Server server;
  server.run([](Server& s) {
    wire::Reply refusal = {};
    refusal.result = -EACCES;
    s.reply(refusal, wire::Type::kHelloReply, Server::head<wire::Header>(s.receive()).id);
  });
  std::unique_ptr<Transport> transport;
  EXPECT_EQ(open_socket(std::move(server.client), &transport), -EACCES);
  EXPECT_EQ(transport, nullptr);
}

TEST(Socket, FlattensStructAndArraysAndStoresTheAnswer) {
  Server server;
  std::vector<std::byte> call;
  const drm_syncobj_timeline_array out_struct = {.handles = 1, .points = 2, .count_handles = 2};
  const uint64_t out_points[2] = {70, 80};
  server.run([&](Server& s) {
    s.accept_hello();
    call = s.receive();
    // The struct as the driver leaves it, then the out array; then it fails all the same.
    auto data = bytes_of(&out_struct, sizeof(out_struct));
    const auto points = bytes_of(out_points, sizeof(out_points));
    data.insert(data.end(), points.begin(), points.end());
    wire::IoctlReply answer = {};
    answer.result = -ENOENT;
    s.reply(answer, wire::Type::kIoctlReply, Server::head<wire::Header>(call).id, data);
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);

  const uint32_t handles[2] = {5, 6};
  uint64_t points[2] = {0, 0};
  drm_syncobj_timeline_array array = {.handles = reinterpret_cast<uintptr_t>(handles),
                                      .points = reinterpret_cast<uintptr_t>(points),
                                      .count_handles = 2};
  const drm_syncobj_timeline_array sent = array;
  EXPECT_EQ(transport->ioctl(DRM_IOCTL_SYNCOBJ_QUERY, &array, Pointers::kTrusted), -ENOENT);

  const auto request = Server::head<wire::IoctlRequest>(call);
  EXPECT_EQ(request.header.type, wire::Type::kIoctl);
  EXPECT_EQ(request.header.bytes, call.size());
  EXPECT_EQ(request.command, DRM_IOCTL_SYNCOBJ_QUERY);
  EXPECT_EQ(request.arg, reinterpret_cast<uintptr_t>(&array));
  ASSERT_EQ(request.spans, 2u);
  wire::Span spans[2];
  std::memcpy(spans, call.data() + sizeof(request), sizeof(spans));
  EXPECT_EQ(spans[0].address, sent.handles);
  EXPECT_EQ(spans[0].bytes, sizeof(handles));
  EXPECT_EQ(spans[1].address, sent.points);
  const size_t at = sizeof(request) + sizeof(spans);
  ASSERT_GE(call.size(), at + sizeof(sent) + sizeof(handles));
  EXPECT_EQ(std::memcmp(call.data() + at, &sent, sizeof(sent)), 0);
  EXPECT_EQ(std::memcmp(call.data() + at + sizeof(sent), handles, sizeof(handles)), 0);
  // Copied back on errors too.
  EXPECT_EQ(std::memcmp(&array, &out_struct, sizeof(array)), 0);
  EXPECT_EQ(points[0], 70u);
  EXPECT_EQ(points[1], 80u);
}

TEST(Socket, ABadStructIsNotSentAndABadArrayIsLeftToTheDaemon) {
  Server server;
  std::vector<std::byte> call;
  server.run([&](Server& s) {
    s.accept_hello();
    call = s.receive();
    wire::IoctlReply answer = {};
    answer.result = -EINVAL;
    s.reply(answer, wire::Type::kIoctlReply, Server::head<wire::Header>(call).id);
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  const auto checked = Pointers::kChecked;
  EXPECT_EQ(transport->ioctl(DRM_IOCTL_SYNCOBJ_WAIT, nullptr, checked), -EFAULT);
  // The daemon may know a better error than -EFAULT; that the array is missing tells it of this
  // one.
  drm_syncobj_wait wait = {.handles = 8, .count_handles = 1};
  const drm_syncobj_wait sent = wait;
  EXPECT_EQ(transport->ioctl(DRM_IOCTL_SYNCOBJ_WAIT, &wait, checked), -EINVAL);
  const auto request = Server::head<wire::IoctlRequest>(call);
  EXPECT_EQ(request.command, DRM_IOCTL_SYNCOBJ_WAIT);
  EXPECT_EQ(request.spans, 0u);
  EXPECT_EQ(call.size(), sizeof(request) + sizeof(wait));
  EXPECT_EQ(std::memcmp(&wait, &sent, sizeof(wait)), 0);
}

TEST(Socket, AnEmptyAnswerLeavesTheCallerAlone) {
  Server server;
  server.run([](Server& s) {
    s.accept_hello();
    wire::IoctlReply answer = {};
    answer.result = -EINVAL;
    s.reply(answer, wire::Type::kIoctlReply, Server::head<wire::Header>(s.receive()).id);
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  drm_fakegpu_vm_create create = {.flags = 0, .vm_id = 77};
  EXPECT_EQ(transport->ioctl(DRM_IOCTL_FAKEGPU_VM_CREATE, &create, Pointers::kTrusted), -EINVAL);
  EXPECT_EQ(create.vm_id, 77u);
}

// Everything a daemon must not say. Each ends the device for this call; none may crash or hang.
TEST(Socket, NonsenseFromTheDaemonIsADeviceLost) {
  using Play = std::function<void(Server&, const wire::Header&)>;
  const std::vector<std::pair<const char*, Play>> plays = {
      {"a short message",
       [](Server& s, const wire::Header&) { s.send(std::vector<std::byte>(3)); }},
      {"another magic",
       [](Server& s, const wire::Header& h) {
         wire::Header bad = {1, wire::Type::kIoctlReply, h.id, sizeof(wire::Header)};
         s.send(bytes_of(&bad, sizeof(bad)));
       }},
      {"a wrong length",
       [](Server& s, const wire::Header& h) {
         wire::Header bad = {wire::kMagic, wire::Type::kIoctlReply, h.id, 4};
         s.send(bytes_of(&bad, sizeof(bad)));
       }},
      {"another type",
       [](Server& s, const wire::Header& h) {
         s.reply(wire::Reply{}, wire::Type::kHelloReply, h.id, std::vector<std::byte>(64));
       }},
      {"a header only",
       [](Server& s, const wire::Header& h) {
         wire::Header bare = {wire::kMagic, wire::Type::kIoctlReply, h.id, sizeof(wire::Header)};
         s.send(bytes_of(&bare, sizeof(bare)));
       }},
      {"too much data",
       [](Server& s, const wire::Header& h) {
         s.reply(wire::IoctlReply{}, wire::Type::kIoctlReply, h.id, std::vector<std::byte>(4096));
       }},
      {"more than fits",
       [](Server& s, const wire::Header& h) {
         s.reply(wire::IoctlReply{}, wire::Type::kIoctlReply, h.id,
                 std::vector<std::byte>(200 * 1024));
       }},
      {"nothing", [](Server& s, const wire::Header&) { s.hang_up(); }},
  };
  for (const auto& [name, play] : plays) {
    Server server;
    server.run([&](Server& s) {
      s.accept_hello();
      play(s, Server::head<wire::Header>(s.receive()));
    });
    std::unique_ptr<Transport> transport;
    ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
    drm_fakegpu_vm_create create = {};
    EXPECT_EQ(transport->ioctl(DRM_IOCTL_FAKEGPU_VM_CREATE, &create, Pointers::kTrusted), -ENODEV)
        << name;
  }
}

TEST(Socket, AnswersInAnyOrderReachTheirThreads) {
  constexpr uint32_t kThreads = 4;
  constexpr uint32_t kRounds = 200;
  Server server;
  server.run([](Server& s) {
    s.accept_hello();
    // All threads of a round have a call open before the first is answered, the newest first.
    for (uint32_t round = 0; round < kRounds; ++round) {
      std::vector<std::vector<std::byte>> open;
      while (open.size() < kThreads) {
        open.push_back(s.receive());
        if (open.back().empty()) return;
      }
      for (; !open.empty(); open.pop_back()) {
        const auto call = Server::head<wire::IoctlRequest>(open.back());
        drm_fakegpu_ctx_destroy sent;
        std::memcpy(&sent, open.back().data() + sizeof(call), sizeof(sent));
        wire::IoctlReply answer = {};
        answer.result = -static_cast<int>(sent.ctx_id);
        s.reply(answer, wire::Type::kIoctlReply, call.header.id);
      }
    }
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (uint32_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < kRounds; ++i) {
        drm_fakegpu_ctx_destroy destroy = {1000 + t * kRounds + i, 0};
        if (transport->ioctl(DRM_IOCTL_FAKEGPU_CTX_DESTROY, &destroy, Pointers::kTrusted) !=
            -static_cast<int>(destroy.ctx_id))
          ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

std::atomic<int> handled = 0;

TEST(Socket, ASignalInterruptsTheCallOfItsThread) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) { ++handled; };
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);

  // Two waiting threads: the one that reads the socket, and one that sleeps on its own word.
  Server server;
  std::binary_semaphore both(0);
  server.run([&](Server& s) {
    s.accept_hello();
    wire::Header calls[2];
    for (auto& call : calls) call = Server::head<wire::Header>(s.receive());
    both.release();
    for (int i = 0; i < 2; ++i) {
      const auto interrupt = Server::head<wire::Interrupt>(s.receive());
      if (interrupt.header.type != wire::Type::kInterrupt) return;
      wire::IoctlReply answer = {};
      answer.result = -EINTR;
      s.reply(answer, wire::Type::kIoctlReply, interrupt.call);
    }
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  std::atomic<int> results[2] = {1, 1};
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&] {
      drm_fakegpu_ctx_destroy destroy = {1, 0};
      result = transport->ioctl(DRM_IOCTL_FAKEGPU_CTX_DESTROY, &destroy, Pointers::kTrusted);
    });
  both.acquire();
  // A signal between the send and the sleep is not seen, as with any ioctl: so more than one.
  for (size_t t = 0; t < threads.size(); ++t) {
    while (results[t] == 1 && ::pthread_kill(threads[t].native_handle(), SIGUSR1) == 0)
      std::this_thread::yield();
    threads[t].join();
    EXPECT_EQ(results[t], -EINTR);
  }
  EXPECT_GE(handled, 2);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Socket, TheDaemonsDeathReleasesEveryWaiter) {
  Server server;
  server.run([](Server& s) {
    s.accept_hello();
    for (int i = 0; i < 3; ++i) s.receive();
    s.hang_up();
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      drm_fakegpu_ctx_destroy destroy = {1, 0};
      if (transport->ioctl(DRM_IOCTL_FAKEGPU_CTX_DESTROY, &destroy, Pointers::kTrusted) == -ENODEV)
        ++lost;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lost, 3);
  drm_fakegpu_ctx_destroy destroy = {1, 0};
  EXPECT_EQ(transport->ioctl(DRM_IOCTL_FAKEGPU_CTX_DESTROY, &destroy, Pointers::kTrusted), -ENODEV);
}

TEST(Socket, ReadsEvents) {
  Server server;
  server.run([](Server& s) {
    s.accept_hello();
    auto read = Server::head<wire::ReadRequest>(s.receive());
    EXPECT_EQ(read.bytes, 100u);
    EXPECT_EQ(read.nonblock, 1u);
    wire::IoctlReply answer = {};
    answer.result = 8;
    s.reply(answer, wire::Type::kReadReply, read.header.id,
            std::vector<std::byte>(8, std::byte{7}));
    read = Server::head<wire::ReadRequest>(s.receive());
    EXPECT_EQ(read.nonblock, 0u);
    answer.result = -EAGAIN;
    s.reply(answer, wire::Type::kReadReply, read.header.id);
    read = Server::head<wire::ReadRequest>(s.receive());
    answer.result = 200;
    s.reply(answer, wire::Type::kReadReply, read.header.id, std::vector<std::byte>(200));
  });
  std::unique_ptr<Transport> transport;
  ASSERT_EQ(open_socket(std::move(server.client), &transport), 0);
  std::byte buffer[100] = {};
  EXPECT_EQ(transport->read_events(buffer, false), 8);
  EXPECT_EQ(buffer[7], std::byte{7});
  EXPECT_EQ(buffer[8], std::byte{0});
  EXPECT_EQ(transport->read_events(buffer, true), -EAGAIN);
  EXPECT_EQ(transport->read_events(buffer, true), -ENODEV);
}

TEST(FdRequests, TheArenaIsFetchedOnceAndShareableBosEach) {
  Server server;
  std::vector<wire::GetFd> asked;
  server.run([&](Server& s) {
    OwnedFd memory(::memfd_create("test", MFD_CLOEXEC));
    for (int i = 0; i < 3; ++i) {
      const auto get = Server::head<wire::GetFd>(s.receive());
      asked.push_back(get);
      wire::FdReply answer = {};
      answer.offset = 0x3000;
      s.reply(answer, wire::Type::kFdReply, get.header.id, {}, memory.get());
    }
  });
  Connection connection(std::move(server.client));
  FdRequests fds;
  BoPages pages;
  ASSERT_EQ(fds.bo_pages(connection, {1, false, 0x1000, 4096, 0}, &pages), 0);
  const int arena = pages.fd;
  EXPECT_GE(arena, 0);
  EXPECT_FALSE(pages.owned);
  EXPECT_EQ(pages.offset, 0x1000u);
  ASSERT_EQ(fds.bo_pages(connection, {2, false, 0x2000, 4096, 0}, &pages), 0);
  EXPECT_EQ(pages.fd, arena);
  for (uint32_t handle : {3u, 4u}) {
    BoPages own;
    ASSERT_EQ(fds.bo_pages(connection, {handle, true, 0, 4096, 0}, &own), 0);
    EXPECT_TRUE(own.owned);
    EXPECT_EQ(own.fd, own.owned.get());
    EXPECT_EQ(own.offset, 0x3000u);
  }
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].header.type, wire::Type::kGetArena);
  EXPECT_EQ(asked[1].header.type, wire::Type::kGetBo);
  EXPECT_EQ(asked[1].handle, 3u);
  EXPECT_EQ(asked[2].handle, 4u);
}

TEST(FdRequests, ARefusalOrAMissingDescriptorIsAnError) {
  Server server;
  server.run([](Server& s) {
    wire::FdReply answer = {};
    answer.result = -ENOENT;
    s.reply(answer, wire::Type::kFdReply, Server::head<wire::Header>(s.receive()).id);
    answer.result = 0;
    s.reply(answer, wire::Type::kFdReply, Server::head<wire::Header>(s.receive()).id);
  });
  Connection connection(std::move(server.client));
  FdRequests fds;
  BoPages pages;
  EXPECT_EQ(fds.bo_pages(connection, {1, true, 0, 4096, 0}, &pages), -ENOENT);
  EXPECT_EQ(fds.bo_pages(connection, {1, true, 0, 4096, 0}, &pages), -ENODEV);
}

}  // namespace
}  // namespace fakegpu::umd
