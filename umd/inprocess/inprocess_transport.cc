// SPDX-License-Identifier: MIT
#include "inprocess/inprocess_transport.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/pause.h"
#include "caller_memory.h"
#include "futex.h"
#include "ioctl/plan.h"
#include "ioctl/user_memory.h"

namespace fakegpu::umd {

namespace {

// The largest struct that a command word can state.
constexpr size_t kMaxStruct = 1u << _IOC_SIZEBITS;

// Spinning pays only where the answer comes from another CPU than the one that spins.
constexpr int64_t kSpinNanos = 5'000;
bool may_spin() {
  static const bool many = std::thread::hardware_concurrency() > 2;
  return many;
}

drv::Caller this_caller() {
  return {.pid = ::getpid(), .uid = ::geteuid(), .gid = ::getegid()};
}

// A call that waits for its answer, on the stack of the caller.
class Pending {
 public:
  int result = 0;

  void answer(int with) {
    result = with;
    // The caller may be gone after this; waking a word that nobody sleeps on does nothing.
    if (state_.exchange(kAnswered, std::memory_order_acq_rel) == kAsleep) futex_wake(&state_);
  }
  bool answered() const { return state_.load(std::memory_order_acquire) == kAnswered; }
  // Until it is answered, or anything else. False: a signal handler ran.
  bool sleep() {
    uint32_t state = kAwake;
    return state_.compare_exchange_strong(state, kAsleep) || state == kAsleep
               ? futex_wait(&state_, kAsleep)
               : true;
  }

 private:
  enum State : uint32_t { kAwake, kAsleep, kAnswered };
  std::atomic<uint32_t> state_{kAwake};
};

class InprocessTransport final : public Transport {
 public:
  InprocessTransport(drv::Machine& machine, std::unique_ptr<drv::File> file, Shell shell)
      : shell_(std::move(shell)), machine_(machine), file_(std::move(file)) {}

  const char* name() const override { return "inprocess"; }
  int64_t now_ns() const override { return shell_.clock.now(); }

  int ioctl(uint32_t command, void* arg, Pointers pointers) override {
    return with_caller_memory(
        pointers, [&](ioctl::UserMemory& memory) { return call(*file_, command, arg, memory); });
  }

  int fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) override;
  int open_sw_sync() override;

  int bo_pages(const BoRange& bo, BoPages* out) override {
    auto backing = file_->bo_backing(bo.handle);
    if (!backing) return backing.error().negated();
    out->owned = OwnedFd(backing->fd.release());
    out->fd = out->owned.get();
    out->offset = backing->offset;
    return 0;
  }

  // To look at only. A caller that waits runs the GPU's tasks, and sleeps, in the call.
  int fence_pages(uint64_t, FencePages* out) override {
    auto page = file_->fence_page(drv::File::Sleepers::kNone);
    if (!page) return page.error().negated();
    out->fd = OwnedFd(page->fd.release());
    out->size = page->size;
    return 0;
  }

  int read_events(std::span<std::byte> to, bool block) override {
    Pending pending;
    const uint64_t id = id_of(pending);
    const auto result =
        file_->read(id, to, !block, [&pending, to](int answer, std::span<const std::byte> bytes) {
          std::copy_n(bytes.begin(), std::min(bytes.size(), to.size()), to.begin());
          pending.answer(answer);
        });
    return result ? *result : wait(*file_, pending, id);
  }

 private:
  // Names a call while it is pending.
  static uint64_t id_of(const Pending& pending) { return reinterpret_cast<uintptr_t>(&pending); }

  int call(drv::File& file, uint32_t command, void* arg, ioctl::UserMemory& memory);
  int wait(drv::File& file, Pending& pending, uint64_t id);

  Shell shell_;
  drv::Machine& machine_;
  std::unique_ptr<drv::File> file_;  // closed before its machine goes
  const drv::Caller caller_ = this_caller();
  const base::Ref<drv::NativeDescriptors::Share> share_ =
      base::make_ref<drv::NativeDescriptors::Share>();
};

int InprocessTransport::call(drv::File& file, uint32_t command, void* arg,
                             ioctl::UserMemory& memory) {
  Pending pending;
  std::byte out[kMaxStruct];
  size_t out_bytes = 0;
  drv::Request request;
  request.command = command;
  request.arg = reinterpret_cast<uintptr_t>(arg);
  request.caller = caller_;
  request.id = id_of(pending);
  // Costs nothing unless the call uses it.
  std::optional<drv::NativeCall> descriptors;
  if (shell_.descriptors) request.descriptors = &descriptors.emplace(*shell_.descriptors, *share_);
  const auto immediate =
      file.ioctl(request, memory, [&](int answer, std::span<const std::byte> arg_out) {
        out_bytes = std::min<size_t>(ioctl::struct_copy(command).out_bytes, arg_out.size());
        std::copy_n(arg_out.begin(), out_bytes, out);
        pending.answer(answer);
      });
  if (immediate) {
    // The queue is full: the caller comes again, and tasks of this queue make the room.
    if (*immediate == -EAGAIN) shell_.pump();
    // Of a call that failed nothing is given.
    if (*immediate == 0 && descriptors) static_cast<void>(descriptors->release().release());
    return *immediate;
  }
  const int result = wait(file, pending, request.id);
  if (result == -EDEADLK) return result;
  return memory.store(request.arg, std::span(out).first(out_bytes)) ? result : -EFAULT;
}

int InprocessTransport::fd_ioctl(int fd, uint32_t command, void* arg, Pointers pointers) {
  const auto file = shell_.descriptors ? shell_.descriptors->find(fd) : nullptr;
  if (!file) {
    // Somebody else's, or nobody's: the kernel knows.
    const int result = ::ioctl(fd, command, arg);
    return result >= 0 ? result : -errno;
  }
  return with_caller_memory(
      pointers, [&](ioctl::UserMemory& memory) { return call(*file, command, arg, memory); });
}

int InprocessTransport::open_sw_sync() {
  if (!shell_.descriptors) return -EOPNOTSUPP;
  // The kernel names the timeline after the thread that opens it.
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  drv::NativeCall descriptors(*shell_.descriptors, *share_);
  if (const int error = descriptors.reserve(true)) return error;
  auto file = machine_.open_sw_sync(name);
  if (!file) return file.error().negated();
  descriptors.install(std::move(*file));
  return descriptors.release().release();
}

int InprocessTransport::wait(drv::File& file, Pending& pending, uint64_t id) {
  // Run the work that the answer depends on in this thread: that saves two hand-offs.
  const auto help = [&] {
    while (!pending.answered() && shell_.pump()) {
    }
  };
  help();
  if (shell_.idle == Idle::kDeadlock) {
    if (pending.answered()) return pending.result;
    // The answer, now -EINTR, must not find this frame gone.
    file.interrupt(id);
    help();
    return -EDEADLK;
  }
  if (may_spin()) {
    const int64_t until = now_ns() + kSpinNanos;
    while (!pending.answered() && now_ns() < until) base::pause();
  }
  if (!pending.answered()) {
    // The wake of an earlier wait may have taken the CPU from a worker in the middle of a task. If
    // this one slept now, that worker would do this work, too, and be interrupted by the next wake,
    // and so on: two switches each time.
    std::this_thread::yield();
    help();
  }
  while (!pending.answered())
    if (!pending.sleep()) file.interrupt(id);
  return pending.result;
}

}  // namespace

int make_inprocess_transport(drv::Machine& machine, Shell shell, std::unique_ptr<Transport>* out,
                             Node node) {
  auto file = machine.open(this_caller(), node == Node::kRender);
  if (!file) return file.error().negated();
  *out = std::make_unique<InprocessTransport>(machine, std::move(*file), std::move(shell));
  return 0;
}

}  // namespace fakegpu::umd
