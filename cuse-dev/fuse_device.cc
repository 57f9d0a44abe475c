// SPDX-License-Identifier: MIT
#include "fuse_device.h"

#include <linux/ioctl.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "struct_memory.h"

namespace fakegpu::cuse_dev {
namespace {

// Room for a reply: struct and out-arrays.
constexpr size_t kOutBytes = 2 * ioctl::kMaxCallBytes;

// Tells the kernel, once, that poll() may have a different answer now.
class PollWake {
 public:
  explicit PollWake(fuse_pollhandle* handle) : handle_(handle) {}
  PollWake(PollWake&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  PollWake& operator=(PollWake&&) = delete;
  ~PollWake() {
    if (handle_ != nullptr) fuse_pollhandle_destroy(handle_);
  }
  void operator()() {
    if (handle_ != nullptr) fuse_lowlevel_notify_poll(handle_);
  }

 private:
  fuse_pollhandle* handle_;
};

bool goes_out(const ioctl::Segment& segment) {
  return segment.direction != ioctl::Direction::kIn;
}

// What to fetch of an unrestricted call before the driver is asked about it. Nothing if there is no
// such call: a program that tries a terminal's ioctl gets -ENOTTY, whatever its argument points to.
ioctl::StructCopy struct_of(uint32_t command) {
  if (ioctl::find_row(command) == nullptr) return {0, 0};
  return ioctl::struct_copy(command);
}

iovec range(uint64_t address, size_t bytes) {
  return {reinterpret_cast<void*>(address), bytes};  // NOLINT: the caller's address, never followed
}

}  // namespace

FuseDevice::FuseDevice(bool unrestricted) : unrestricted_(unrestricted), out_(kOutBytes) {}

base::Result<FuseDevice::OpenFile*> FuseDevice::open(fuse_req_t request, NodeKind kind,
                                                     drv::File* memory_of) {
  const fuse_ctx* context = fuse_req_ctx(request);
  if (machine_ == nullptr) return base::fail(ENODEV, "open before the device is up");
  auto file = open_through(kind, *machine_, {context->pid, context->uid, context->gid}, memory_of);
  if (!file) return tl::unexpected(std::move(file).error());
  auto open = std::make_unique<OpenFile>();
  open->file = std::move(*file);
  OpenFile* opened = open.get();
  files_.emplace(opened, std::move(open));
  return opened;
}

void FuseDevice::close(OpenFile* open) {
  files_.erase(open);
  for (const PendingCalls::Call& call : pending_.take_all(open))
    fuse_reply_err(call.request, ENODEV);
}

void FuseDevice::ioctl(fuse_req_t request, uint64_t id, OpenFile& open, uint32_t command,
                       uint64_t arg, std::span<const std::byte> in, size_t out_bytes) {
  const fuse_ctx* context = fuse_req_ctx(request);
  const drv::Request call{command, arg, {context->pid, context->uid, context->gid}, id};
  if (unrestricted_)
    unrestricted(request, open, call, in, out_bytes);
  else
    restricted(request, open, call, in, out_bytes);
}

void FuseDevice::restricted(fuse_req_t request, OpenFile& open, const drv::Request& call,
                            std::span<const std::byte> in, size_t out_bytes) {
  const ioctl::StructCopy copy = ioctl::struct_copy(call.command);
  const auto window = std::span(out_).first(std::max(copy.in_bytes, copy.out_bytes));
  const size_t fetched = std::min<size_t>(copy.in_bytes, in.size());
  std::copy_n(in.begin(), fetched, window.begin());
  std::ranges::fill(window.subspan(fetched), std::byte{0});
  StructMemory memory(call.arg, window, call.caller.pid);
  const size_t out = std::min<size_t>(copy.out_bytes, out_bytes);
  run(request, open, call, memory, window.first(out), out);
}

void FuseDevice::unrestricted(fuse_req_t request, OpenFile& open, const drv::Request& call,
                              std::span<const std::byte> in, size_t out_bytes) {
  const ioctl::StructCopy copy = struct_of(call.command);
  const RetryBook::Key key{call.caller.pid, call.command, call.arg};
  if (in.size() < copy.in_bytes || out_bytes < copy.out_bytes) {
    open.retries.forget(key);
    return ask(request, call.arg, copy, {});
  }
  const ioctl::Plan plan = open.file->plan(call.command, call.caller, in.first(copy.in_bytes));
  if (plan.error != 0) {
    open.retries.forget(key);
    fuse_reply_ioctl(request, plan.error, nullptr, 0);
    return;
  }
  size_t wanted_in = copy.in_bytes;
  size_t wanted_out = copy.out_bytes;
  for (const ioctl::Segment& segment : plan.segments) {
    wanted_in += segment.bytes;
    if (goes_out(segment)) wanted_out += segment.bytes;
  }
  const bool sizes_match = in.size() == wanted_in && out_bytes == wanted_out;
  switch (open.retries.check(key, plan.segments, sizes_match)) {
    case RetryBook::Verdict::kCall:
      return run_planned(request, open, call, plan.segments, in);
    case RetryBook::Verdict::kFetch:
      return ask(request, call.arg, copy, plan.segments);
    case RetryBook::Verdict::kGiveUp:
      fuse_reply_ioctl(request, -EFAULT, nullptr, 0);
      return;
  }
}

void FuseDevice::ask(fuse_req_t request, uint64_t arg, ioctl::StructCopy copy,
                     std::span<const ioctl::Segment> segments) {
  in_ranges_.clear();
  out_ranges_.clear();
  if (copy.in_bytes != 0) in_ranges_.push_back(range(arg, copy.in_bytes));
  if (copy.out_bytes != 0) out_ranges_.push_back(range(arg, copy.out_bytes));
  for (const ioctl::Segment& segment : segments) {
    // Arrays that only go out are fetched too: the reply writes them whole, and where the driver
    // stored nothing the caller's bytes must stay what they were.
    in_ranges_.push_back(range(segment.address, segment.bytes));
    if (goes_out(segment)) out_ranges_.push_back(range(segment.address, segment.bytes));
  }
  fuse_reply_ioctl_retry(request, in_ranges_.data(), in_ranges_.size(), out_ranges_.data(),
                         out_ranges_.size());
}

void FuseDevice::run_planned(fuse_req_t request, OpenFile& open, const drv::Request& call,
                             std::span<const ioctl::Segment> segments,
                             std::span<const std::byte> in) {
  const ioctl::StructCopy copy = struct_of(call.command);
  ioctl::PlannedMemory memory;
  std::span<std::byte> out(out_);
  // Windows that nothing is stored to may lie in the request itself.
  auto add = [&](uint64_t address, std::span<const std::byte> bytes, size_t size, bool writable) {
    if (!writable) {
      auto* data = const_cast<std::byte*>(bytes.data());  // NOLINT: not writable below
      memory.add({address, {data, size}, true, false});
      return;
    }
    const auto window = out.first(size);
    std::copy_n(bytes.begin(), bytes.size(), window.begin());
    std::ranges::fill(window.subspan(bytes.size()), std::byte{0});
    memory.add({address, window, true, true});
    out = out.subspan(size);
  };
  const uint32_t struct_bytes = std::max(copy.in_bytes, copy.out_bytes);
  if (struct_bytes != 0) add(call.arg, in.first(copy.in_bytes), struct_bytes, copy.out_bytes != 0);
  in = in.subspan(copy.in_bytes);
  for (const ioctl::Segment& segment : segments) {
    add(segment.address, in.first(segment.bytes), segment.bytes, goes_out(segment));
    in = in.subspan(segment.bytes);
  }
  const size_t out_bytes = out_.size() - out.size();
  run(request, open, call, memory, std::span(out_).first(out_bytes), copy.out_bytes);
}

void FuseDevice::run(fuse_req_t request, OpenFile& open, const drv::Request& call,
                     ioctl::UserMemory& memory, std::span<const std::byte> out,
                     size_t struct_out_bytes) {
  auto reply = [this, request, id = call.id, struct_out_bytes](int result,
                                                               std::span<const std::byte> arg_out) {
    if (!pending_.finish(id)) return;
    fuse_reply_ioctl(request, result, arg_out.data(), std::min(arg_out.size(), struct_out_bytes));
  };
  const std::optional<int> result = open.file->ioctl(call, memory, std::move(reply));
  // The error is in the result, not in the reply's header, which would copy nothing back.
  if (result)
    fuse_reply_ioctl(request, *result, out.data(), out.size());
  else
    pending_.add(call.id, request, &open);
}

void FuseDevice::read(fuse_req_t request, uint64_t id, OpenFile& open, size_t bytes,
                      bool nonblock) {
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
  base::UniqueFunction<void()> wake;
  if (handle != nullptr) wake = PollWake(handle);
  fuse_reply_poll(request, static_cast<unsigned short>(open.file->poll(std::move(wake))));
}

void FuseDevice::interrupt(uint64_t id) {
  if (auto* open = static_cast<OpenFile*>(pending_.owner(id))) open->file->interrupt(id);
}

void FuseDevice::close_all() {
  files_.clear();
  for (const PendingCalls::Call& call : pending_.take_all(nullptr))
    fuse_reply_err(call.request, ENODEV);
}

}  // namespace fakegpu::cuse_dev
