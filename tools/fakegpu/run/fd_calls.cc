// SPDX-License-Identifier: MIT
#include "fd_calls.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <drm.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "ioctl/plan.h"
#include "ioctl/table.h"
#include "node_claims.h"
#include "tracee.h"

namespace fakegpu::tools::run {

namespace {

constexpr uint8_t kDrmType = 'd';

// Only what may be ours is asked: a character device (CUSE) or a file of a FUSE file system.
bool is_ours(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return false;
  if (!S_ISCHR(status.st_mode)) {
    struct statfs system;
    if (!S_ISREG(status.st_mode) || ::fstatfs(fd, &system) != 0) return false;
    if (system.f_type != FUSE_SUPER_MAGIC) return false;
  }
  return umd::identify_file(fd) != 0;
}

// Whether a file may be an object of the device whose node this is, and so may be duplicated: a
// duplicate of a file of another FUSE server's could not be closed if that does not answer. By what
// the kernel remembers, so that nobody is asked.
bool may_be_of(int node, int file) {
  struct statx ours;
  struct statx its;
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (::statx(node, "", kFlags, STATX_TYPE, &ours) != 0) return false;
  if (::statx(file, "", kFlags, STATX_TYPE, &its) != 0) return false;
  if (S_ISCHR(its.stx_mode)) return true;
  return S_ISREG(its.stx_mode) && its.stx_dev_major == ours.stx_dev_major &&
         its.stx_dev_minor == ours.stx_dev_minor;
}

constexpr uint32_t word_of(const ioctl::Row& row) {
  return _IOC(row.direction, row.type, row.nr, row.size);
}

// One call under way.
class FdCall {
 public:
  FdCall(const Listener& listener, const struct seccomp_notif& call)
      : listener_(listener),
        call_(call),
        tracee_(static_cast<pid_t>(call.pid)),
        command_(static_cast<uint32_t>(call.data.args[1])),
        row_(ioctl::find_row(command_)) {}

  // Whether it is one to be answered here.
  bool begin();
  // 0 or a negative errno, with everything in place for the caller.
  int run();

 private:
  int32_t field(int16_t offset) const {
    int32_t value;
    std::memcpy(&value, arg_.data() + offset, sizeof(value));
    return value;
  }
  void set_field(int16_t offset, int32_t value) {
    std::memcpy(arg_.data() + offset, &value, sizeof(value));
  }
  bool is_drm() const { return row_->type == kDrmType; }
  bool close_on_exec() const;
  umd::OwnedFd take(int32_t fd) const;
  bool store() { return tracee_.store(call_.data.args[2], std::span(arg_).first(copy_.out_bytes)); }
  int give(const umd::Claim& claim);

  const Listener& listener_;
  const struct seccomp_notif& call_;
  Tracee tracee_;
  const uint32_t command_;
  const ioctl::Row* const row_;
  ioctl::StructCopy copy_ = {};
  umd::OwnedFd node_;
  std::vector<std::byte> arg_;  // as long as the caller's struct and ours
};

bool FdCall::begin() {
  if (row_ == nullptr) return false;
  // Files other than DRM's compare the whole word, and the driver answers for what does not match.
  if (!is_drm() && command_ != word_of(*row_)) return false;
  node_ = tracee_.file(static_cast<int32_t>(call_.data.args[0]));
  return node_ && listener_.waits(call_) && is_ours(node_.get());
}

// PRIME lets the caller choose; the others never do.
bool FdCall::close_on_exec() const {
  if (!is_drm() || row_->nr != _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD)) return true;
  struct drm_prime_handle prime;
  std::memcpy(&prime, arg_.data(), sizeof(prime));
  return (prime.flags & DRM_CLOEXEC) != 0;
}

// None: it is no object of the device's, and what the call says to that it says to no descriptor.
umd::OwnedFd FdCall::take(int32_t fd) const {
  const umd::OwnedFd seen = tracee_.look_at(fd);
  if (!seen || !may_be_of(node_.get(), seen.get())) return umd::OwnedFd();
  umd::OwnedFd file = tracee_.file(fd);
  // Another thread has put something else there meanwhile, which stays open.
  if (file && !may_be_of(node_.get(), file.get())) static_cast<void>(file.release());
  return file;
}

int FdCall::run() {
  copy_ = ioctl::struct_copy(command_);
  arg_.resize(std::max<size_t>(row_->size, std::max(copy_.in_bytes, copy_.out_bytes)));
  const bool full = tracee_.table_full();
  if (!tracee_.fetch(call_.data.args[2], std::span(arg_).first(copy_.in_bytes)))
    // Files other than DRM's set the number aside before they read the struct.
    return full && !is_drm() ? -EMFILE : -EFAULT;
  umd::OwnedFd taken;
  int32_t named = -1;
  if (row_->fds.takes >= 0) {
    // The driver looks into the table of whoever calls, which is this process.
    named = field(row_->fds.takes);
    taken = take(named);
    set_field(row_->fds.takes, taken.get());
  }
  if (!listener_.waits(call_)) return -EINTR;
  umd::Claim claim;
  const int result =
      umd::make_claim(node_.get(), *row_, std::span(arg_).first(row_->size), full, &claim);
  if (row_->fds.takes >= 0) set_field(row_->fds.takes, named);
  // DRM copies the struct back on errors too.
  if (result != 0) return is_drm() && !store() ? -EFAULT : result;
  return give(claim);
}

int FdCall::give(const umd::Claim& claim) {
  const int opened = umd::open_claim(node_.get(), claim);
  if (opened < 0) return opened;
  const umd::OwnedFd object(opened);
  // First without the number: a struct that cannot be written costs no descriptor.
  if (!store()) return -EFAULT;
  const int number = listener_.install(call_, object.get(), close_on_exec());
  if (number < 0) return number;
  set_field(row_->fds.gives, number);
  return store() ? 0 : -EFAULT;
}

}  // namespace

void answer_fd_call(const Listener& listener, const struct seccomp_notif& notification) {
  FdCall call(listener, notification);
  if (call.begin())
    listener.answer(notification, call.run());
  else
    listener.pass(notification);
}

}  // namespace fakegpu::tools::run
