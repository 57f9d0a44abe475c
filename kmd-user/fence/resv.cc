// SPDX-License-Identifier: MIT
#include "fence/resv.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "fence/array.h"

namespace fakegpu::fence {

namespace {

constexpr size_t kFewestSlots = 4;

// Whoever waits for `added` has no need of `old`.
bool covers(const Resv::Entry& added, const Resv::Entry& old) {
  if (added.fence->context() != old.fence->context() || added.usage > old.usage) return false;
  return added.fence == old.fence || Fence::is_later(*added.fence, *old.fence);
}

}  // namespace

void Resv::poll_all() const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const FenceRef fence = entries_[i].fence;
    fence->is_signaled();
  }
}

void Resv::reserve(size_t count) {
  if (entries_.size() + count <= slots_) return;
  // Only now that memory is wanted anyway.
  poll_all();
  std::vector<Entry> kept;
  slots_ = std::max({entries_.size() + count, 2 * slots_, kFewestSlots});
  kept.reserve(slots_);
  for (const Entry& entry : entries_)
    if (!entry.fence->test_signaled()) kept.push_back(entry);
  entries_.swap(kept);
}

void Resv::add(FenceRef fence, Usage usage) {
  assert(fence && !fence->is_container());
  poll_all();
  Entry added{std::move(fence), usage};
  for (Entry& entry : entries_) {
    if (!entry.fence->test_signaled() && !covers(added, entry)) continue;
    std::swap(entry, added);
    return;
  }
  assert(entries_.size() < slots_);
  entries_.push_back(std::move(added));
}

void Resv::replace_fences(uint64_t context, const FenceRef& replacement, Usage usage) {
  assert(replacement && !replacement->is_container());
  std::vector<FenceRef> replaced;
  for (Entry& entry : entries_) {
    if (entry.fence->context() != context) continue;
    replaced.push_back(std::exchange(entry.fence, replacement));
    entry.usage = usage;
  }
}

std::vector<Resv::Entry> Resv::pending(Usage usage) const {
  std::vector<Entry> found = entries_;
  std::erase_if(found, [usage](const Entry& entry) {
    return entry.usage > usage || entry.fence->is_signaled();
  });
  return found;
}

FenceRef Resv::singleton(Contexts& contexts, Usage usage) const {
  std::vector<FenceRef> fences;
  for (Entry& entry : pending(usage)) fences.push_back(std::move(entry.fence));
  if (fences.empty()) return nullptr;
  if (fences.size() == 1) return std::move(fences[0]);
  return Array::create(contexts, std::move(fences));
}

void Resv::set_deadline(Usage usage, base::Nanos when) const {
  for (const Entry& entry : pending(usage)) entry.fence->set_deadline(when);
}

void Resv::copy_fences(const Resv& from) {
  std::vector<Entry> copy = from.pending(Usage::kRead);
  slots_ = copy.size();
  entries_.swap(copy);
}

}  // namespace fakegpu::fence
