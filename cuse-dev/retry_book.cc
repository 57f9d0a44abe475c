// SPDX-License-Identifier: MIT
#include "retry_book.h"

#include <algorithm>

namespace fakegpu::cuse_dev {

std::vector<RetryBook::Entry>::iterator RetryBook::find(const Key& key) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const Entry& entry) { return entry.key == key; });
}

RetryBook::Verdict RetryBook::check(const Key& key, std::span<const ioctl::Segment> wanted,
                                    bool sizes_match) {
  auto entry = find(key);
  const std::span<const ioctl::Segment> fetched =
      entry == entries_.end() ? std::span<const ioctl::Segment>() : entry->segments;
  if (sizes_match && std::ranges::equal(fetched, wanted)) {
    if (entry != entries_.end()) entries_.erase(entry);
    return Verdict::kCall;
  }
  if (entry == entries_.end()) {
    if (entries_.size() == kMaxEntries) entries_.erase(entries_.begin());
    entry = entries_.insert(entries_.end(), Entry{key});
  }
  if (++entry->fetches > kMaxFetches) {
    entries_.erase(entry);
    return Verdict::kGiveUp;
  }
  entry->segments.assign(wanted.begin(), wanted.end());
  return Verdict::kFetch;
}

void RetryBook::forget(const Key& key) {
  if (auto entry = find(key); entry != entries_.end()) entries_.erase(entry);
}

}  // namespace fakegpu::cuse_dev
