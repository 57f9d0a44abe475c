// SPDX-License-Identifier: MIT
#include "ioctl_message.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ioctl/table.h"

namespace fakegpu::cuse_dev {

namespace wire = ioctl::wire;
using wire::Type;

namespace {

bool goes_in(const ioctl::Segment& segment) {
  return segment.direction != ioctl::Direction::kOut;
}
bool goes_out(const ioctl::Segment& segment) {
  return segment.direction != ioctl::Direction::kIn;
}

base::Result<> check_descriptors(const wire::IoctlRequest& request, size_t count) {
  const ioctl::Row* row = ioctl::find_row(request.command);
  const bool takes = row != nullptr && row->fds.takes >= 0;
  const bool gives = row != nullptr && row->fds.gives >= 0;
  const bool large = request.header.type == Type::kLargeIoctl;
  if (large && (takes || gives))
    return base::fail(EPROTO, "ioctl {:#x} with descriptors and a memfd", request.command);
  const size_t expected = (request.header.type == Type::kFdIoctl || large ? 1 : 0) +
                          (request.taken == wire::Taken::kPassed ? 1 : 0);
  if (request.taken > wire::Taken::kForeign || takes != (request.taken != wire::Taken::kNone))
    return base::fail(EPROTO, "ioctl {:#x} that takes descriptor {}", request.command,
                      static_cast<uint32_t>(request.taken));
  if (count != expected)
    return base::fail(EPROTO, "ioctl {:#x} with {} descriptors", request.command, count);
  const int reserved = request.reserved;
  if (reserved != 0 && (!gives || (reserved != -EMFILE && reserved != -ENFILE)))
    return base::fail(EPROTO, "ioctl {:#x} that reserved {}", request.command, reserved);
  return {};
}

base::Result<std::vector<ioctl::Segment>> parse_spans(std::span<const std::byte> spans) {
  std::vector<ioctl::Segment> segments;
  for (; !spans.empty(); spans = spans.subspan(sizeof(wire::Span))) {
    wire::Span span;
    std::memcpy(&span, spans.data(), sizeof(span));
    if (span.direction > static_cast<uint32_t>(ioctl::Direction::kInOut))
      return base::fail(EPROTO, "span with direction {}", span.direction);
    segments.push_back({span.address, span.bytes, static_cast<ioctl::Direction>(span.direction)});
  }
  return segments;
}

}  // namespace

base::Result<IoctlMessage> IoctlMessage::parse(std::span<std::byte> message, size_t descriptors) {
  IoctlMessage call = {};
  const wire::IoctlRequest& request = call.request;
  if (message.size() < sizeof(request))
    return base::fail(EPROTO, "an ioctl of {} bytes", message.size());
  std::memcpy(&call.request, message.data(), sizeof(request));
  FAKEGPU_TRY(check_descriptors(request, descriptors));
  const std::span<std::byte> rest = message.subspan(sizeof(request));
  if (request.spans > kMaxSpans || request.spans * sizeof(wire::Span) > rest.size())
    return base::fail(EPROTO, "ioctl with {} spans in {} bytes", request.spans, rest.size());
  auto segments = parse_spans(rest.first(request.spans * sizeof(wire::Span)));
  if (!segments) return tl::unexpected(std::move(segments).error());
  call.segments = std::move(*segments);
  call.in = rest.subspan(request.spans * sizeof(wire::Span));
  call.copy = ioctl::struct_copy(request.command);

  uint64_t in_bytes = 0;
  uint64_t all_bytes = 0;
  for (const ioctl::Segment& segment : call.segments) {
    all_bytes += segment.bytes;
    if (goes_in(segment)) in_bytes += segment.bytes;
    if (goes_out(segment)) call.out_bytes += segment.bytes;
  }
  if (call.large() && in_bytes != all_bytes)
    return base::fail(EPROTO, "ioctl {:#x} with a memfd for what goes out", request.command);
  call.with_out_arrays = !call.large() && call.in.size() == call.copy.in_bytes + all_bytes;
  if (!call.with_out_arrays && call.in.size() != call.copy.in_bytes + (call.large() ? 0 : in_bytes))
    return base::fail(EPROTO, "ioctl {:#x} with {} bytes for a struct of {} and arrays of {}",
                      request.command, call.in.size(), call.copy.in_bytes, in_bytes);
  return call;
}

size_t IoctlMessage::lay_out(std::span<std::byte> room, ioctl::PlannedMemory& memory) const {
  std::span<std::byte> left = in;
  std::span<std::byte> out = room;
  const auto add = [&](uint64_t address, size_t in_bytes, size_t bytes, bool writable) {
    const std::span<std::byte> from = left.first(in_bytes);
    left = left.subspan(in_bytes);
    if (!writable) return memory.add({address, from, true, false});
    const std::span<std::byte> window = out.first(bytes);
    out = out.subspan(bytes);
    std::ranges::copy(from, window.begin());
    // Nothing of an earlier call, which may have been another client's.
    std::ranges::fill(window.subspan(in_bytes), std::byte{0});
    memory.add({address, window, in_bytes != 0, true});
  };
  if (copy.in_bytes != 0 || copy.out_bytes != 0)
    add(request.arg, copy.in_bytes, copy.out_bytes, copy.out_bytes != 0);
  for (const ioctl::Segment& segment : segments)
    add(segment.address, goes_in(segment) || with_out_arrays ? segment.bytes : 0, segment.bytes,
        goes_out(segment));
  return room.size() - out.size();
}

}  // namespace fakegpu::cuse_dev
