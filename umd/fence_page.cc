// SPDX-License-Identifier: MIT
#include "fence_page.h"

#include <algorithm>
#include <bit>

#include "futex.h"

namespace fakegpu::umd {

namespace {

// A sleeper does not learn that the daemon died, or that the device is gone.
constexpr int64_t kLongestSleep = 1'000'000;

}  // namespace

int FencePage::map(Transport& transport, uint64_t features) {
  FencePages pages;
  int result = transport.fence_pages(features, &pages);
  if (result == 0) result = mapping_.map(pages.fd.get(), 0, pages.size, PROT_READ);
  if (result != 0) return result;
  slots_ = pages.size / sizeof(uint64_t);
  sleep_ = pages.sleep;
  return 0;
}

bool FencePage::wait(uint32_t slot, uint64_t seqno, int64_t deadline_ns,
                     const Transport& clock) const {
  if (slot >= slots_) return false;
  const uint64_t* finished = static_cast<const uint64_t*>(mapping_.data()) + slot;
  // Woken for the low half.
  static_assert(std::endian::native == std::endian::little);
  const auto* word = reinterpret_cast<const uint32_t*>(finished);
  int64_t end = 0;
  for (;;) {
    const uint64_t seen = __atomic_load_n(finished, __ATOMIC_ACQUIRE);
    if (seen >= seqno) return true;
    if (!sleep_) return false;
    const int64_t now = clock.now_ns();
    if (end == 0) end = std::min(deadline_ns, now + kLongestSleep);
    if (now >= end) return false;
    futex_wait_shared(word, static_cast<uint32_t>(seen), end - now);
  }
}

}  // namespace fakegpu::umd
