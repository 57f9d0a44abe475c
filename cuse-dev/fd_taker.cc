// SPDX-License-Identifier: MIT
#include "fd_taker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "fd_taker_process.h"

namespace fakegpu::cuse_dev {

ProcessFdTaker::ProcessFdTaker(Loop& loop) : loop_(loop) {
  start();
}

ProcessFdTaker::~ProcessFdTaker() {
  socket_.reset();
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  reap();
}

bool ProcessFdTaker::start() {
  reap();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  base::UniqueFd ours(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  // The other end blocks.
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  const pid_t pid = ::fork();
  if (pid == 0) run_fd_taker_process(theirs.get());
  if (pid < 0) {
    base::log(base::LogLevel::kError, "no process for callers' descriptors: {}",
              std::strerror(errno));
    return false;
  }
  pid_ = pid;
  socket_ = std::move(ours);
  if (watching_) watch_socket();
  return true;
}

void ProcessFdTaker::watch() {
  watching_ = true;
  watch_socket();
}

void ProcessFdTaker::watch_socket() {
  if (socket_) watch_ = loop_.watch(socket_.get(), [this] { return receive(); });
}

void ProcessFdTaker::unwatch() {
  watching_ = false;
  if (watch_ != 0) loop_.unwatch(watch_);
  watch_ = 0;
}

void ProcessFdTaker::take(int32_t tid, int32_t fd, Done done) {
  if (!socket_ && !start()) {
    loop_.post([done = std::move(done)]() mutable { done({.error = -EIO}); });
    return;
  }
  calls_.emplace(++last_id_, Call{tid, fd, std::move(done)});
  send_waiting();
}

void ProcessFdTaker::send_waiting() {
  for (auto call = calls_.upper_bound(last_sent_);
       socket_ && ahead_ < kAhead && call != calls_.end(); ++call) {
    TakeRequest request = {};
    request.id = call->first;
    request.tid = call->second.tid;
    request.fd = call->second.fd;
    request.node_count = static_cast<uint32_t>(std::min(nodes_.size(), kMaxNodes));
    std::copy_n(nodes_.begin(), request.node_count, request.nodes);
    // Lost: its end of the socket says so in a moment, and everything that waits is answered then.
    if (::send(socket_.get(), &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request)) return;
    ++ahead_;
    last_sent_ = call->first;
  }
}

bool ProcessFdTaker::receive() {
  TakeReply reply;
  iovec range{&reply, sizeof(reply)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &range;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t bytes = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (bytes < 0 && errno == EAGAIN) return false;
  if (bytes < 0 && errno == EINTR) return true;
  FetchedFd fetched;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
      bytes > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fd;
    std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    fetched.eventfd.reset(fd);
  }
  if (bytes != sizeof(reply)) {
    lose();
    return false;
  }
  fetched.error = reply.error;
  fetched.file_id = reply.file_id;
  // Came with more descriptors than this process may have.
  if ((message.msg_flags & MSG_CTRUNC) != 0) fetched.error = -EMFILE;
  auto call = calls_.extract(reply.id);
  --ahead_;
  const bool last = reply.last;
  if (last)
    replace();
  else
    send_waiting();
  if (!call.empty()) call.mapped().done(std::move(fetched));
  return !last;
}

// Its process has ended, or nearly so.
void ProcessFdTaker::lose() {
  base::log(base::LogLevel::kWarning, "the process for callers' descriptors is gone: {} calls fail",
            calls_.size());
  drop_process();
  auto calls = std::move(calls_);
  calls_.clear();
  for (auto& [id, call] : calls) call.done({.error = -EIO});
}

// What it was sent and has not answered, another one will.
void ProcessFdTaker::replace() {
  drop_process();
  last_sent_ = 0;
  if (calls_.empty() || start()) return send_waiting();
  lose();
}

void ProcessFdTaker::drop_process() {
  if (watch_ != 0) loop_.unwatch(watch_);
  watch_ = 0;
  socket_.reset();
  if (pid_ > 0) ended_.push_back(pid_);
  pid_ = -1;
  ahead_ = 0;
}

// Never waits: one that holds what it must not close may take long to end.
void ProcessFdTaker::reap() {
  std::erase_if(ended_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

}  // namespace fakegpu::cuse_dev
