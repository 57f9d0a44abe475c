// SPDX-License-Identifier: MIT
#include "fake_kernel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace fakegpu::cuse_dev {
namespace {

constexpr int kPatienceMillis = 20'000;

template <typename T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

bool CallerMemory::copy_in(uint64_t address, std::span<std::byte> to) {
  auto area = areas_.find(address);
  if (area == areas_.end() || area->second.size() < to.size()) return false;
  std::memcpy(to.data(), area->second.data(), to.size());
  return true;
}

bool CallerMemory::copy_out(uint64_t address, std::span<const std::byte> from) {
  auto area = areas_.find(address);
  if (area == areas_.end() || area->second.size() < from.size()) return false;
  std::memcpy(area->second.data(), from.data(), from.size());
  return true;
}

FakeKernel::FakeKernel() {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  kernel_end_.reset(fds[0]);
  device_end_.reset(fds[1]);
}

uint64_t FakeKernel::send(uint32_t opcode, uint64_t node, std::span<const std::byte> payload) {
  fuse_in_header header = {};
  header.len = sizeof(header) + payload.size();
  header.opcode = opcode;
  header.unique = next_unique_;
  header.nodeid = node;
  header.uid = kUid;
  header.gid = kGid;
  header.pid = tid;
  next_unique_ += 2;
  std::vector<std::byte> message;
  append(message, header);
  message.insert(message.end(), payload.begin(), payload.end());
  EXPECT_EQ(::send(kernel_end_.get(), message.data(), message.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(message.size()));
  return header.unique;
}

void FakeKernel::interrupt(uint64_t unique) {
  send_struct(FUSE_INTERRUPT, 0, fuse_interrupt_in{.unique = unique});
}

std::optional<FakeKernel::Answer> FakeKernel::receive_within(int milliseconds) {
  pollfd wait{.fd = kernel_end_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, milliseconds) != 1) return std::nullopt;
  std::vector<std::byte> message(1 << 20);
  const ssize_t bytes = ::recv(kernel_end_.get(), message.data(), message.size(), 0);
  if (bytes < static_cast<ssize_t>(sizeof(fuse_out_header))) return std::nullopt;
  fuse_out_header header;
  std::memcpy(&header, message.data(), sizeof(header));
  EXPECT_EQ(header.len, bytes);
  message.resize(bytes);
  message.erase(message.begin(), message.begin() + sizeof(header));
  return Answer{header.unique, header.error, std::move(message)};
}

FakeKernel::Answer FakeKernel::receive() {
  auto answer = receive_within(kPatienceMillis);
  if (answer) return std::move(*answer);
  ADD_FAILURE() << "no answer";
  return {0, -EIO, {}};
}

std::optional<FakeKernel::Answer> FakeKernel::receive_now() {
  return receive_within(0);
}

void FakeKernel::send_init(uint32_t opcode, uint32_t flags, uint32_t flags2) {
  fuse_init_in init = {};
  init.major = FUSE_KERNEL_VERSION;
  init.minor = FUSE_KERNEL_MINOR_VERSION;
  init.max_readahead = 4096;
  init.flags = flags;
  init.flags2 = flags2;
  send_struct(opcode, 0, init);
}

uint64_t FakeKernel::open(uint64_t node) {
  send_struct(FUSE_OPEN, node, fuse_open_in{.flags = 2});
  const Answer answer = receive();
  EXPECT_EQ(answer.error, 0);
  return answer.as<fuse_open_out>().fh;
}

uint64_t FakeKernel::send_ioctl(uint64_t handle, uint32_t command, uint64_t arg,
                                std::span<const std::byte> in, uint32_t out_bytes) {
  fuse_ioctl_in head = {};
  head.fh = handle;
  head.cmd = command;
  head.arg = arg;
  head.in_size = in.size();
  head.out_size = out_bytes;
  std::vector<std::byte> payload;
  append(payload, head);
  payload.insert(payload.end(), in.begin(), in.end());
  return send(FUSE_IOCTL, 1, payload);
}

FakeKernel::IoctlAnswer FakeKernel::ioctl(uint64_t handle, uint32_t command, uint64_t arg,
                                          CallerMemory& memory,
                                          const std::function<void(unsigned)>& between) {
  std::vector<fuse_ioctl_iovec> in_ranges;
  std::vector<fuse_ioctl_iovec> out_ranges;
  for (unsigned trip = 1; trip < 100; ++trip) {
    if (between) between(trip);
    std::vector<std::byte> in;
    for (const fuse_ioctl_iovec& range : in_ranges) {
      in.resize(in.size() + range.len);
      if (!memory.copy_in(range.base, std::span(in).last(range.len))) return {-EFAULT, trip};
    }
    uint32_t out_bytes = 0;
    for (const fuse_ioctl_iovec& range : out_ranges) out_bytes += range.len;
    const uint64_t unique = send_ioctl(handle, command, arg, in, out_bytes);
    const Answer answer = receive();
    EXPECT_EQ(answer.unique, unique);
    if (answer.error != 0) return {answer.error, trip};
    const auto out = answer.as<fuse_ioctl_out>();
    std::span<const std::byte> rest(answer.body);
    rest = rest.subspan(sizeof(out));
    if ((out.flags & FUSE_IOCTL_RETRY) == 0) {
      EXPECT_LE(rest.size(), out_bytes);
      for (const fuse_ioctl_iovec& range : out_ranges) {
        const auto part = rest.first(std::min<size_t>(range.len, rest.size()));
        if (!memory.copy_out(range.base, part)) return {-EFAULT, trip};
        rest = rest.subspan(part.size());
      }
      return {out.result, trip};
    }
    in_ranges.resize(out.in_iovs);
    out_ranges.resize(out.out_iovs);
    EXPECT_EQ(rest.size(), (in_ranges.size() + out_ranges.size()) * sizeof(fuse_ioctl_iovec));
    const size_t split = in_ranges.size() * sizeof(fuse_ioctl_iovec);
    if (split != 0) std::memcpy(in_ranges.data(), rest.data(), split);
    if (rest.size() != split)
      std::memcpy(out_ranges.data(), rest.data() + split, rest.size() - split);
  }
  return {-ELOOP, 100};
}

ServedTransport::ServedTransport(Loop& loop, Transport& transport, drv::Machine& machine)
    : loop_(loop), thread_([this, &transport, &machine] {
        EXPECT_TRUE(transport.start(machine, *this));
        loop_.run();
        transport.stop();
      }) {}

void ServedTransport::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

}  // namespace fakegpu::cuse_dev
