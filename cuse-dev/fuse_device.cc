// SPDX-License-Identifier: MIT
#include "fuse_device.h"

#include <linux/ioctl.h>

#include <algorithm>
#include <cstring>

#include <fakegpu_drm.h>

#include "base/log.h"
#include "node_descriptors.h"
#include "poll_wake.h"

namespace fakegpu::cuse_dev {
namespace {

constexpr unsigned kDrmType = 'd';

// The number that a struct has where it names the descriptor that the call takes.
int32_t taken_number(const ioctl::Row& row, std::span<const std::byte> in) {
  int32_t fd = 0;
  const auto at = static_cast<size_t>(row.fds.takes);
  if (at < in.size()) std::memcpy(&fd, in.data() + at, std::min(sizeof(fd), in.size() - at));
  return fd;
}

bool is_call(const NodeCall& call, uint32_t command) {
  return call.row != nullptr && call.row->type == kDrmType && call.row->nr == _IOC_NR(command);
}

// Answered here for files of every kind; the driver knows nothing of them.
bool is_of_nodes(const NodeCall& call) {
  return is_call(call, DRM_IOCTL_FAKEGPU_ATTACH) || is_call(call, DRM_IOCTL_FAKEGPU_IDENTIFY);
}

}  // namespace

FuseDevice::FuseDevice(bool unrestricted, std::shared_ptr<NodeFiles> nodes)
    : unrestricted_(unrestricted), nodes_(std::move(nodes)), out_(kCallMemoryBytes) {}

base::Result<OpenFile*> FuseDevice::open(fuse_req_t request, NodeKind kind, drv::File* memory_of) {
  const fuse_ctx* context = fuse_req_ctx(request);
  if (machine_ == nullptr) return base::fail(ENODEV, "open before the device is up");
  auto file = open_through(kind, *machine_, {context->pid, context->uid, context->gid}, memory_of);
  if (!file) return tl::unexpected(std::move(file).error());
  OpenFile* const opened = enter(std::move(*file), OpenFile::Stage::kFresh);
  opened->drm = kind != NodeKind::kSwSync;
  return opened;
}

OpenFile* FuseDevice::open_claimed(std::unique_ptr<drv::File> file) {
  return enter(std::move(file), OpenFile::Stage::kObject);
}

OpenFile* FuseDevice::enter(std::unique_ptr<drv::File> file, OpenFile::Stage stage) {
  auto open = std::make_unique<OpenFile>();
  OpenFile* opened = open.get();
  opened->id = nodes_->enter(*opened);
  opened->file = std::move(file);
  opened->stage = stage;
  files_.emplace(opened, std::move(open));
  return opened;
}

void FuseDevice::close(OpenFile* open) {
  if (open->leaving) open->leaving(*open->file);
  nodes_->leave(open->id);
  files_.erase(open);
  for (const PendingCalls::Call& call : pending_.take_all(open))
    fuse_reply_err(call.request, ENODEV);
}

void FuseDevice::ioctl(fuse_req_t request, uint64_t id, OpenFile& open, uint32_t command,
                       uint64_t arg, std::span<const std::byte> in, size_t out_bytes) {
  const fuse_ctx* context = fuse_req_ctx(request);
  const Call call{
      request, open,          node_call(command), arg, {context->pid, context->uid, context->gid},
      id,      !unrestricted_};
  if (unrestricted_)
    unrestricted(call, in, out_bytes);
  else
    restricted(call, in, out_bytes);
}

void FuseDevice::restricted(const Call& call, std::span<const std::byte> in, size_t out_bytes) {
  // Arrays are fetched by the driver itself; of those calls that must know more before, the plan
  // says whether they get that far.
  const ioctl::Row* const row = call.what.row;
  if (row != nullptr && row->fds.takes >= 0) {
    const int error = call.open.file->plan(call.what.command, call.caller, in).error;
    if (error != 0) {
      fuse_reply_ioctl(call.request, error, nullptr, 0);
      return;
    }
  }
  serve(call, in, out_bytes, {});
}

// Unrestricted, nothing of a call that this file cannot have: a program that tries a terminal's
// ioctl, or that of another kind of file, gets -ENOTTY, whatever its argument points to.
CallStruct FuseDevice::struct_of(const Call& call) const {
  const bool may_be = call.what.known() && (call.what.row->type == kDrmType || !call.open.drm ||
                                            call.open.stage == OpenFile::Stage::kObject);
  return {call.arg, unrestricted_ && !may_be ? ioctl::StructCopy{0, 0} : call.what.copy()};
}

void FuseDevice::unrestricted(const Call& call, std::span<const std::byte> in, size_t out_bytes) {
  const NodeCall& what = call.what;
  const CallStruct of = struct_of(call);
  const ioctl::StructCopy& copy = of.copy;
  const RetryBook::Key key{call.caller.pid, what.word, call.arg};
  if (in.size() < copy.in_bytes || out_bytes < copy.out_bytes) {
    call.open.retries.forget(key);
    return ask(call, {});
  }
  const ioctl::Plan plan =
      is_of_nodes(what) ? ioctl::Plan()
                        : call.open.file->plan(what.command, call.caller, in.first(copy.in_bytes));
  if (plan.error != 0) {
    call.open.retries.forget(key);
    fuse_reply_ioctl(call.request, plan.error, nullptr, 0);
    return;
  }
  const CallRanges::Bytes wanted = CallRanges::bytes(of, plan.segments);
  if (std::max(wanted.in, wanted.out) > ioctl::kMaxCallBytes) {
    call.open.retries.forget(key);
    return serve_large(call, in.first(copy.in_bytes));
  }
  const bool sizes_match = in.size() == wanted.in && out_bytes == wanted.out;
  switch (call.open.retries.check(key, plan.segments, sizes_match)) {
    case RetryBook::Verdict::kCall:
      return serve(call, in, out_bytes, plan.segments);
    case RetryBook::Verdict::kFetch:
      return ask(call, plan.segments);
    case RetryBook::Verdict::kGiveUp:
      fuse_reply_ioctl(call.request, -EFAULT, nullptr, 0);
      return;
  }
}

void FuseDevice::serve_large(Call call, std::span<const std::byte> in) {
  // The caller may be of another user, or of a pid namespace that cannot be seen from here.
  std::byte probe;
  if (!ioctl::ProcessMemory(call.caller.pid).fetch(call.arg, {&probe, 1})) {
    fuse_reply_ioctl(call.request, -ENOMEM, nullptr, 0);
    return;
  }
  call.direct = true;
  serve(call, in, struct_of(call).copy.out_bytes, {});
}

void FuseDevice::ask(const Call& call, std::span<const ioctl::Segment> segments) {
  ranges_.set(struct_of(call), segments);
  fuse_reply_ioctl_retry(call.request, ranges_.in().data(), ranges_.in().size(),
                         ranges_.out().data(), ranges_.out().size());
}

void FuseDevice::serve(const Call& call, std::span<const std::byte> in, size_t out_bytes,
                       std::span<const ioctl::Segment> segments) {
  const ioctl::Row* const row = call.what.row;
  if (is_call(call.what, DRM_IOCTL_FAKEGPU_ATTACH)) return attach(call, in);
  if (is_call(call.what, DRM_IOCTL_FAKEGPU_IDENTIFY)) return identify(call, out_bytes);
  if (call.what.claims) {
    if (const int error = NodeDescriptors::check(in.subspan(row->size)); error != 0) {
      fuse_reply_ioctl(call.request, error, nullptr, 0);
      return;
    }
  }
  call.open.use();
  if (row != nullptr && row->fds.takes >= 0)
    take_descriptor(call, in, out_bytes, segments);
  else
    perform(call, in, out_bytes, segments, {});
}

void FuseDevice::attach(const Call& call, std::span<const std::byte> in) {
  drm_fakegpu_attach arg = {};
  std::memcpy(&arg, in.data(), std::min(sizeof(arg), in.size()));
  int result = -EBUSY;
  if (OpenFile& open = call.open; open.stage == OpenFile::Stage::kFresh) {
    result = -ENOENT;
    if (auto file = nodes_->claims().redeem({arg.token[0], arg.token[1]}, call.caller.uid)) {
      if (open.leaving) std::exchange(open.leaving, nullptr)(*open.file);
      open.file = std::move(file);
      open.stage = OpenFile::Stage::kObject;
      result = 0;
    }
  }
  fuse_reply_ioctl(call.request, result, nullptr, 0);
}

void FuseDevice::identify(const Call& call, size_t out_bytes) {
  const drm_fakegpu_identify arg = {.file_id = call.open.id};
  const auto out = std::span(out_).first(std::min(out_bytes, out_.size()));
  std::ranges::fill(out, std::byte{0});
  std::memcpy(out.data(), &arg, std::min(out.size(), sizeof(arg)));
  fuse_reply_ioctl(call.request, 0, out.data(), out.size());
}

void FuseDevice::take_descriptor(const Call& call, std::span<const std::byte> in, size_t out_bytes,
                                 std::span<const ioctl::Segment> segments) {
  fetching_.emplace(
      call.id,
      Fetching{call, {in.begin(), in.end()}, out_bytes, {segments.begin(), segments.end()}});
  nodes_->take(call.caller.pid, taken_number(*call.what.row, in),
               [this, id = call.id](FetchedFd fd) { descriptor_taken(id, std::move(fd)); });
}

void FuseDevice::descriptor_taken(uint64_t id, FetchedFd fetched) {
  const auto waiting = fetching_.extract(id);
  // A signal came first, or the end.
  if (waiting.empty()) return;
  const Fetching& fetching = waiting.mapped();
  perform(fetching.call, fetching.in, fetching.out_bytes, fetching.segments,
          nodes_->resolve(std::move(fetched)));
}

void FuseDevice::perform(const Call& call, std::span<const std::byte> in, size_t out_bytes,
                         std::span<const ioctl::Segment> segments, drv::TakenFd taken) {
  const CallStruct of = struct_of(call);
  // Unrestricted, everything came with the request; restricted, only the struct.
  if (call.direct) {
    CallMemory memory(out_, of, in, out_bytes, call.caller.pid);
    run(call, memory, std::move(taken));
  } else {
    CallMemory memory(out_, of, in, segments);
    run(call, memory, std::move(taken));
  }
}

void FuseDevice::run(const Call& call, CallMemory& memory, drv::TakenFd taken) {
  auto reply = [this, request = call.request, id = call.id, limit = memory.struct_bytes_back()](
                   int result, std::span<const std::byte> arg_out) {
    if (!pending_.finish(id)) return;
    fuse_reply_ioctl(request, result, arg_out.data(), std::min(arg_out.size(), limit));
  };
  const auto claim =
      call.what.claims ? memory.window().subspan(call.what.row->size) : std::span<std::byte>();
  NodeDescriptors descriptors(nodes_->claims(), call.caller.uid, claim, std::move(taken));
  const drv::Request driver_request{call.what.command, call.arg, call.caller, call.id,
                                    &descriptors};
  const drv::Outcome result =
      call.open.file->ioctl(driver_request, memory.memory(), std::move(reply));
  // The error is in the result, not in the reply's header, which would copy nothing back.
  if (result)
    fuse_reply_ioctl(call.request, *result, memory.back().data(), memory.back().size());
  else
    pending_.add(call.id, call.request, &call.open);
}

void FuseDevice::read(fuse_req_t request, uint64_t id, OpenFile& open, size_t bytes,
                      bool nonblock) {
  open.use();
  const auto buffer = std::span(out_).first(std::min(bytes, out_.size()));
  auto answer = [request, limit = buffer.size()](int result, const std::byte* data) {
    if (result < 0)
      fuse_reply_err(request, -result);
    else
      fuse_reply_buf(request, reinterpret_cast<const char*>(data), std::min<size_t>(result, limit));
  };
  auto reply = [this, id, answer](int result, std::span<const std::byte> data) {
    if (pending_.finish(id)) answer(std::min<int64_t>(result, data.size()), data.data());
  };
  const std::optional<int> result = open.file->read(id, buffer, nonblock, std::move(reply));
  if (result)
    answer(*result, buffer.data());
  else
    pending_.add(id, request, &open);
}

void FuseDevice::poll(fuse_req_t request, OpenFile& open, fuse_pollhandle* handle) {
  open.use();
  base::UniqueFunction<void()> wake;
  if (handle != nullptr) wake = PollWake(handle);
  fuse_reply_poll(request, static_cast<unsigned short>(open.file->poll(std::move(wake))));
}

void FuseDevice::interrupt(uint64_t id) {
  if (const auto fetching = fetching_.extract(id); !fetching.empty()) {
    fuse_reply_err(fetching.mapped().call.request, EINTR);
    return;
  }
  if (auto* open = static_cast<OpenFile*>(pending_.owner(id))) open->file->interrupt(id);
}

void FuseDevice::close_all() {
  for (const auto& [open, file] : files_) nodes_->leave(open->id);
  files_.clear();
  for (const auto& [id, fetching] : fetching_) fuse_reply_err(fetching.call.request, ENODEV);
  fetching_.clear();
  for (const PendingCalls::Call& call : pending_.take_all(nullptr))
    fuse_reply_err(call.request, ENODEV);
}

}  // namespace fakegpu::cuse_dev
