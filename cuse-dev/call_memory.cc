// SPDX-License-Identifier: MIT
#include "call_memory.h"

#include <algorithm>

namespace fakegpu::cuse_dev {
namespace {

bool goes_out(const ioctl::Segment& segment) {
  return segment.direction != ioctl::Direction::kIn;
}

iovec range(uint64_t address, size_t bytes) {
  return {reinterpret_cast<void*>(address), bytes};  // NOLINT: the caller's address, never followed
}

}  // namespace

void CallRanges::set(const CallStruct& of, std::span<const ioctl::Segment> segments) {
  in_.clear();
  out_.clear();
  if (of.copy.in_bytes != 0) in_.push_back(range(of.address, of.copy.in_bytes));
  if (of.copy.out_bytes != 0) out_.push_back(range(of.address, of.copy.out_bytes));
  for (const ioctl::Segment& segment : segments) {
    // Arrays that only go out are fetched too: the reply writes them whole, and where the driver
    // stored nothing the caller's bytes must stay what they were.
    in_.push_back(range(segment.address, segment.bytes));
    if (goes_out(segment)) out_.push_back(range(segment.address, segment.bytes));
  }
}

CallRanges::Bytes CallRanges::bytes(const CallStruct& of,
                                    std::span<const ioctl::Segment> segments) {
  Bytes bytes = {of.copy.in_bytes, of.copy.out_bytes};
  for (const ioctl::Segment& segment : segments) {
    bytes.in += segment.bytes;
    if (goes_out(segment)) bytes.out += segment.bytes;
  }
  return bytes;
}

CallMemory::CallMemory(std::span<std::byte> room, const CallStruct& of,
                       std::span<const std::byte> in)
    : window_(room.first(of.bytes())), struct_bytes_back_(of.copy.out_bytes) {
  const size_t fetched = std::min<size_t>(of.copy.in_bytes, in.size());
  std::copy_n(in.begin(), fetched, window_.begin());
  std::ranges::fill(window_.subspan(fetched), std::byte{0});
}

CallMemory::CallMemory(std::span<std::byte> room, const CallStruct& of,
                       std::span<const std::byte> in, size_t out_bytes, int32_t tid)
    : CallMemory(room, of, in) {
  direct_.emplace(of.address, window_, tid);
  struct_bytes_back_ = std::min(struct_bytes_back_, out_bytes);
  back_ = window_.first(struct_bytes_back_);
}

CallMemory::CallMemory(std::span<std::byte> room, const CallStruct& of,
                       std::span<const std::byte> in, std::span<const ioctl::Segment> segments)
    : CallMemory(room, of, in) {
  if (!window_.empty()) planned_.add({of.address, window_, true, of.copy.out_bytes != 0});
  // Without a copy out, the struct is not in front of the arrays that go back.
  const size_t back_begin = of.copy.out_bytes != 0 ? 0 : window_.size();
  size_t back_end = window_.size();
  in = in.subspan(of.copy.in_bytes);
  for (const ioctl::Segment& segment : segments) {
    const auto bytes = in.first(segment.bytes);
    in = in.subspan(segment.bytes);
    if (!goes_out(segment)) {
      // Nothing is stored to it, so it may lie in the request itself.
      auto* data = const_cast<std::byte*>(bytes.data());  // NOLINT: not writable below
      planned_.add({segment.address, {data, bytes.size()}, true, false});
      continue;
    }
    const auto stored = room.subspan(back_end, bytes.size());
    std::ranges::copy(bytes, stored.begin());
    planned_.add({segment.address, stored, true, true});
    back_end += bytes.size();
  }
  back_ = room.subspan(back_begin, back_end - back_begin);
}

}  // namespace fakegpu::cuse_dev
