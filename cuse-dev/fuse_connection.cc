// SPDX-License-Identifier: MIT
#include "fuse_connection.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "base/log.h"

namespace fakegpu::cuse_dev {
namespace {

// The kernel refuses to fill a buffer smaller than its longest request: libfuse's limit for writes,
// 1 MiB, and a page for the headers.
constexpr size_t kBufferBytes = (1 << 20) + 4096;
constexpr int kHandshakeMillis = 10'000;

ssize_t read_request(int fd, void* bytes, size_t size, void*) {
  return ::read(fd, bytes, size);
}

// The connection whose ioctl this thread, its loop's, is handling: if that fails to get its reply,
// its caller is gone, and so the reply may be sent with the next wait.
thread_local const FuseConnection* answering = nullptr;

}  // namespace

FuseConnection::FuseConnection(Loop& loop, std::shared_ptr<NodeFiles> nodes, bool unrestricted,
                               std::string where)
    : nodes_(nodes ? std::move(nodes) : make_node_files(loop, nullptr)),
      device_(unrestricted, nodes_),
      loop_(loop),
      where_(std::move(where)) {}

FuseConnection::~FuseConnection() {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

base::Result<> FuseConnection::adopt(fuse_session* session, base::UniqueFd fd) {
  session_ = session;
  if (session_ == nullptr) return base::fail(ENOMEM, "libfuse made no session");
  const fuse_custom_io io{.writev = write_reply, .read = read_request};
  if (const int error = fuse_session_custom_io(session_, &io, fd.get()); error != 0)
    return base::fail(ENOMEM, "fuse_session_custom_io: {}", error);
  fd_ = fd.release();
  const int flags = fcntl(fd_, F_GETFL);
  if (flags < 0 || fcntl(fd_, F_SETFL, flags | O_NONBLOCK) < 0) return base::fail_errno("fcntl");
  buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
  return {};
}

ssize_t FuseConnection::write_reply(int fd, iovec* ranges, int count, void* userdata) {
  FuseConnection& self = of(userdata);
  if (self.amending_) [[unlikely]]
    self.amend_init_reply({ranges, static_cast<size_t>(count)});
  if (answering == &self) return self.loop_.write(fd, {ranges, static_cast<size_t>(count)});
  return ::writev(fd, ranges, count);
}

FuseConnection::Step FuseConnection::serve_one() {
  const ssize_t bytes = ::read(fd_, buffer_.get(), kBufferBytes);
  if (bytes < 0) {
    if (errno == EAGAIN) return Step::kDrained;
    // ENOENT: the request was withdrawn while it was read.
    if (errno == EINTR || errno == ENOENT) return Step::kServed;
    if (errno != ENODEV)
      base::log(base::LogLevel::kError, "{}: read: {}", name(), std::strerror(errno));
    return Step::kLost;
  }
  if (static_cast<size_t>(bytes) < sizeof(fuse_in_header)) return Step::kLost;
  fuse_in_header header;
  std::memcpy(&header, buffer_.get(), sizeof(header));
  if (header.opcode == FUSE_INTERRUPT) {
    // With one reader a signal is never read before the call it is for. It wants no reply.
    fuse_interrupt_in interrupt;
    if (static_cast<size_t>(bytes) < sizeof(header) + sizeof(interrupt)) return Step::kServed;
    std::memcpy(&interrupt, buffer_.get() + sizeof(header), sizeof(interrupt));
    device_.interrupt(interrupt.unique);
    return Step::kServed;
  }
  request_bytes_ = bytes;
  unique_ = header.unique;
  fuse_buf request{.size = request_bytes_, .flags = fuse_buf_flags(0), .mem = buffer_.get()};
  fuse_session_process_buf(session_, &request);
  return fuse_session_exited(session_) != 0 ? Step::kLost : Step::kServed;
}

base::Result<> FuseConnection::handshake() {
  amending_ = true;
  while (!initialised_) {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait, 1, kHandshakeMillis);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return base::fail_errno("poll");
    if (ready == 0) return base::fail(ETIMEDOUT, "the kernel sent no INIT");
    if (serve_one() == Step::kLost && !initialised_)
      return base::fail(ECONNABORTED, "the kernel ended the connection");
  }
  amending_ = false;
  return {};
}

base::Result<> FuseConnection::start(drv::Machine& machine, Owner& owner) {
  owner_ = &owner;
  device_.attach(machine);
  nodes_->start();
  started_ = true;
  watch_ = loop_.watch(fd_, [this] { return readable(); });
  return {};
}

bool FuseConnection::readable() {
  const Step step = serve_one();
  if (step == Step::kServed) return true;
  if (step == Step::kLost) {
    loop_.unwatch(watch_);
    watch_ = 0;
    // The kernel has answered the callers; their files will not be released any more.
    device_.close_all();
    owner_->transport_lost(*this);
  }
  return false;
}

void FuseConnection::stop() {
  if (watch_ != 0) loop_.unwatch(watch_);
  watch_ = 0;
  device_.close_all();
  if (started_) nodes_->stop();
  started_ = false;
  if (session_ == nullptr) return;
  // What was queued meanwhile gets an error from the kernel; libfuse is to say nothing about that.
  fuse_session_exit(session_);
  tear_down();
  fuse_session_destroy(std::exchange(session_, nullptr));
  fd_ = -1;
}

void FuseConnection::do_ioctl(fuse_req_t request, unsigned command, void* arg, fuse_file_info* info,
                              unsigned flags, const void* in, size_t in_bytes, size_t out_bytes) {
  FuseConnection& self = of(request);
  OpenFile* open = FuseDevice::find(info);
  if (open == nullptr || (flags & FUSE_IOCTL_DIR) != 0) {
    fuse_reply_err(request, ENOTTY);
    return;
  }
  answering = &self;
  self.device_.ioctl(request, self.unique_, *open, command, reinterpret_cast<uint64_t>(arg),
                     {static_cast<const std::byte*>(in), in_bytes}, out_bytes);
  answering = nullptr;
}

void FuseConnection::do_read(fuse_req_t request, size_t bytes, fuse_file_info* info) {
  FuseConnection& self = of(request);
  self.device_.read(request, self.unique_, *FuseDevice::find(info), bytes,
                    (info->flags & O_NONBLOCK) != 0);
}

void FuseConnection::do_poll(fuse_req_t request, fuse_file_info* info, fuse_pollhandle* handle) {
  of(request).device_.poll(request, *FuseDevice::find(info), handle);
}

void FuseConnection::do_write(fuse_req_t request) {
  // As drm_fops, which have no write().
  fuse_reply_err(request, EINVAL);
}

}  // namespace fakegpu::cuse_dev
