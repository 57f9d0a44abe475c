// SPDX-License-Identifier: MIT
// A heap whose items know their place in it: O(log n) to add, to take from the middle, to change a
// key. Four children a node, and the keys beside the items, because what costs with 100,000 items
// is the cache.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fakegpu::sched {

// `place_of(item)` is the item's uint32_t for its place, kNowhere while it is in no such heap.
// Smaller keys come first.
template <typename T, typename Key, uint32_t& (*place_of)(T&)>
class IndexedHeap {
 public:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  // From now on adding so many allocates nothing.
  void reserve(size_t items) {
    if (items > entries_.capacity())
      entries_.reserve(std::max(items, std::min(2 * items, items + kMaxSpare)));
  }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  static bool contains(T& item) { return place_of(item) != kNowhere; }

  T* best() const { return entries_.empty() ? nullptr : entries_.front().item; }
  // Of best(), which is there.
  const Key& best_key() const { return entries_.front().key; }
  const Key& key(T& item) const { return key_at(place_of(item)); }
  const Key& key_at(uint32_t place) const { return entries_[place].key; }

  void add(T& item, const Key& key) {
    entries_.push_back({key, &item});
    up(entries_.size() - 1, {key, &item});
  }
  // Nothing if it is not there.
  void remove(T& item) {
    const size_t at = place_of(item);
    if (at == kNowhere) return;
    place_of(item) = kNowhere;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (at < entries_.size()) settle(at, last);
  }
  // The item is there.
  void change(T& item, const Key& key) { settle(place_of(item), {key, &item}); }

 private:
  static constexpr size_t kChildren = 4;
  static constexpr size_t kMaxSpare = 4096;

  struct Entry {
    Key key;
    T* item;
  };

  void put(size_t at, const Entry& entry) {
    entries_[at] = entry;
    place_of(*entry.item) = static_cast<uint32_t>(at);
  }
  void settle(size_t at, const Entry& entry) {
    if (at > 0 && entry.key < entries_[(at - 1) / kChildren].key) {
      up(at, entry);
    } else {
      down(at, entry);
    }
  }
  void up(size_t at, const Entry entry) {
    while (at > 0) {
      const size_t parent = (at - 1) / kChildren;
      if (!(entry.key < entries_[parent].key)) break;
      put(at, entries_[parent]);
      at = parent;
    }
    put(at, entry);
  }
  void down(size_t at, const Entry entry) {
    for (;;) {
      const size_t first = kChildren * at + 1;
      if (first >= entries_.size()) break;
      const size_t end = std::min(first + kChildren, entries_.size());
      size_t least = first;
      for (size_t child = first + 1; child < end; ++child)
        if (entries_[child].key < entries_[least].key) least = child;
      if (!(entries_[least].key < entry.key)) break;
      put(at, entries_[least]);
      at = least;
    }
    put(at, entry);
  }

  std::vector<Entry> entries_;
};

}  // namespace fakegpu::sched
