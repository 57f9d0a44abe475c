// SPDX-License-Identifier: MIT
#include "stream_copy.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fakegpu::hw {

#if defined(__SSE2__)

namespace {

constexpr size_t kLine = 64;

bool overlap(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.data() < b.data() + b.size() && b.data() < a.data() + a.size();
}

void stream_line(std::byte* to, const std::byte* from) {
  auto* target = reinterpret_cast<__m128i*>(to);
  const auto* source = reinterpret_cast<const __m128i*>(from);
  const __m128i a = _mm_loadu_si128(source);
  const __m128i b = _mm_loadu_si128(source + 1);
  const __m128i c = _mm_loadu_si128(source + 2);
  const __m128i d = _mm_loadu_si128(source + 3);
  _mm_stream_si128(target, a);
  _mm_stream_si128(target + 1, b);
  _mm_stream_si128(target + 2, c);
  _mm_stream_si128(target + 3, d);
}

}  // namespace

void stream_copy(std::span<std::byte> to, std::span<const std::byte> from) {
  if (to.size() < 2 * kLine || overlap(to, from)) {
    std::memmove(to.data(), from.data(), to.size());
    return;
  }
  // Streaming stores need an aligned target; what is before the first and after the last line is
  // copied as usual.
  const size_t head = -reinterpret_cast<uintptr_t>(to.data()) % kLine;
  std::memcpy(to.data(), from.data(), head);
  size_t done = head;
  for (; done + kLine <= to.size(); done += kLine)
    stream_line(to.data() + done, from.data() + done);
  std::memcpy(to.data() + done, from.data() + done, to.size() - done);
  // They are weakly ordered: the fence after this copy must not overtake them.
  _mm_sfence();
}

#else

void stream_copy(std::span<std::byte> to, std::span<const std::byte> from) {
  std::memmove(to.data(), from.data(), to.size());
}

#endif

}  // namespace fakegpu::hw
