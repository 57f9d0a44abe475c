// SPDX-License-Identifier: MIT
#include "file_impl.h"

#include <fcntl.h>
#include <poll.h>

#include <cstring>

namespace fakegpu::drv {

FileImpl::FileImpl(Device& device, const Caller& opener, bool render, base::Ref<mm::Arena> shared)
    : device_(device),
      opener_(opener),
      process_(
          base::make_ref<Task>(base::process_of(opener.pid).pid, base::command_of(opener.pid))),
      last_task_(process_),
      usage_(base::make_ref<mm::Usage>(device.options().file_bytes)),
      jobs_(base::make_ref<JobCount>(device.counts().jobs)),
      events_(base::make_ref<EventQueue>(device.lock())),
      eventfds_(base::make_ref<EventfdCount>()),
      arena_(std::move(shared)),
      fence_page_(base::make_ref<FencePage>(device.lock(), device.executor(),
                                            static_cast<uint32_t>(device.rings().size()))) {
  const base::Process process = render ? base::Process() : base::process_of(opener.pid);
  DeviceLock::Guard guard(device_.lock());
  if (!render) master_.emplace(device_.master(), process, is_privileged(opener));
  client_id_ = device_.next_client_id();
  for (size_t ring = 0; ring < device_.rings().size(); ++ring)
    accounts_.push_back(base::make_ref<sched::Account>(client_id_));
  device_.add_file(*this);
}

FileImpl::~FileImpl() {
  std::vector<std::pair<const void*, base::UniqueFunction<void()>>> closed;
  {
    DeviceLock::Guard guard(device_.lock());
    closed.swap(closed_);
    device_.tokens().forget(*this);
  }
  // A channel may be in a call on this file; it lets go before anything is freed.
  for (auto& [owner, callback] : closed) callback();

  DeviceLock::Guard guard(device_.lock());
  device_.remove_file(*this);
  master_.reset();
  for (auto& [id, pending] : waits_)
    if (pending.timer) device_.executor().cancel(pending.timer);
  device_.counts().waits -= waits_.size();
  waits_.clear();
  device_.recorder().remove(*events_);
  device_.wedged_events().remove(*events_);
  events_->close();
  const base::Nanos now = device_.now();
  contexts_.for_each([now](uint32_t, const ContextRef& context) { context->kill(now); });
  device_.counts().contexts -= contexts_.size();
  device_.counts().syncobjs -= syncobjs_.size();
  contexts_ = {};
  syncobjs_ = {};
  vms_ = {};
  bos_.clear();
  arena_.reset();
  fence_page_.reset();
}

base::Result<base::Ref<mm::Arena>> FileImpl::arena() {
  if (!arena_) {
    hw::Memory& memory = device_.memory().memory();
    auto arena = mm::Arena::create(memory.vram_bytes(), memory.system_bytes());
    if (!arena) return tl::unexpected(std::move(arena).error());
    arena_ = std::move(*arena);
  }
  return arena_;
}

base::Result<File::Backing> FileImpl::pages() {
  DeviceLock::Guard guard(device_.lock());
  auto ours = arena();
  if (!ours) return tl::unexpected(std::move(ours).error());
  base::UniqueFd fd(::fcntl((*ours)->fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return base::fail_errno("duplicate arena descriptor");
  return Backing{std::move(fd), 0, (*ours)->size()};
}

base::Result<File::Backing> FileImpl::bo_backing(uint32_t handle) {
  DeviceLock::Guard guard(device_.lock());
  const mm::BoRef bo = bos_.find(handle);
  if (!bo) return base::fail(ENOENT, "BO handle {} does not exist", handle);
  base::UniqueFd fd(::fcntl(bo->map_fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return base::fail_errno("duplicate BO descriptor");
  return Backing{std::move(fd), bo->map_offset(), bo->size()};
}

base::Result<File::Backing> FileImpl::fence_page(Sleepers sleepers) {
  DeviceLock::Guard guard(device_.lock());
  if (!fence_page_->made()) {
    FAKEGPU_TRY(fence_page_->make());
    contexts_.for_each([](uint32_t, const ContextRef& context) { context->show_progress(); });
  }
  base::UniqueFd fd(::fcntl(fence_page_->fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return base::fail_errno("duplicate fence page descriptor");
  if (sleepers == Sleepers::kExpected) fence_page_->expect_sleepers();
  return Backing{std::move(fd), 0, FencePage::kBytes, false};
}

fence::SyncobjWait::Done FileImpl::wait_done(uint64_t id) {
  return
      [this, id](fence::SyncobjWait::Answer done) { answer(id, done.result, done.first_signaled); };
}

SeqnoWait::Done FileImpl::seqno_wait_done(uint64_t id) {
  return [this, id] { finish(id, 0); };
}

void FileImpl::suspend(WaitCall call) {
  const uint64_t id = call.id;
  const base::Nanos timeout = call.timeout;
  ++device_.counts().waits;
  wait_entries_ += call.entries();
  Pending& pending = waits_[id];
  pending.call = std::move(call);
  // Forever is no timer. The file is found again by its place in the device, since it may be gone.
  if (timeout == INT64_MAX) return;
  pending.timer =
      device_.executor().post_at(timeout, [this, &device = device_, client = client_id_, id] {
        DeviceLock::Guard guard(device.lock());
        if (!device.has_file(*this) || client_id_ != client) return;
        const auto found = waits_.find(id);
        if (found == waits_.end()) return;
        found->second.timer = 0;
        answer(id, -ETIME, 0);
      });
}

// Moves a pending wait's answer out to its transport. `first_signaled` counts only if the result is
// 0.
void FileImpl::answer(uint64_t id, int result, uint32_t first_signaled) {
  auto node = waits_.extract(id);
  if (node.empty()) return;
  --device_.counts().waits;
  Pending& pending = node.mapped();
  wait_entries_ -= pending.call.entries();
  if (pending.timer) device_.executor().cancel(pending.timer);
  if (result == 0 && pending.call.answer_offset)
    std::memcpy(pending.call.arg.data() + *pending.call.answer_offset, &first_signaled,
                sizeof(first_signaled));
  // The wait goes under the lock: it is linked into syncobjs, fences or a context. It may be the
  // one whose callback is running, and allows that.
  pending.call.wait = {};
  device_.lock().defer([node = std::move(node), result]() mutable {
    WaitCall& call = node.mapped().call;
    call.reply(result, call.arg);
  });
}

void FileImpl::finish_submit(uint64_t id, uint64_t seqno) {
  std::memcpy(waits_.at(id).call.arg.data() + offsetof(drm_fakegpu_submit, seqno), &seqno,
              sizeof(seqno));
  finish(id, 0);
}

bool FileImpl::interrupt(uint64_t id) {
  DeviceLock::Guard guard(device_.lock());
  if (events_->fail_read(id, -EINTR)) return true;
  if (!waits_.contains(id)) return false;
  answer(id, -EINTR, 0);
  return true;
}

void FileImpl::fail_pending(int error) {
  while (!waits_.empty()) answer(waits_.begin()->first, error, 0);
  events_->fail_reads(error);
}

void FileImpl::unplug() {
  fence_page_->freeze();
  fail_pending(-ENODEV);
}

std::optional<int> FileImpl::read(uint64_t id, std::span<std::byte> bytes, bool nonblock,
                                  ReadReply reply) {
  DeviceLock::Guard guard(device_.lock());
  if (device_.unplugged()) return -ENODEV;
  if (!events_->empty()) return static_cast<int>(events_->take(bytes));
  if (nonblock) return -EAGAIN;
  if (events_->waiting() >= device_.options().file_waits) return -ENOMEM;
  events_->wait({id, std::min<size_t>(bytes.size(), 4096), std::move(reply)});
  return std::nullopt;
}

short FileImpl::poll(base::UniqueFunction<void()> wake) {
  DeviceLock::Guard guard(device_.lock());
  if (device_.unplugged()) return POLLERR | POLLHUP;
  if (!events_->empty()) return POLLIN | POLLRDNORM;
  if (wake) events_->set_wake(std::move(wake));
  return 0;
}

void FileImpl::on_close(const void* owner, base::UniqueFunction<void()> closed) {
  DeviceLock::Guard guard(device_.lock());
  closed_.emplace_back(owner, std::move(closed));
}

void FileImpl::cancel_on_close(const void* owner) {
  DeviceLock::Guard guard(device_.lock());
  std::erase_if(closed_, [owner](const auto& entry) { return entry.first == owner; });
}

}  // namespace fakegpu::drv
