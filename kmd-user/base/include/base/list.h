// SPDX-License-Identifier: MIT
// An intrusive doubly linked list. A node is in at most one list per hook; a node's destructor
// takes it out, so a list never holds a dead one.
#pragma once

#include <cstddef>

namespace fakegpu::base {

struct ListHook {
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next != nullptr; }
  void unlink() {
    if (!next) return;
    prev->next = next;
    next->prev = prev;
    next = prev = nullptr;
  }

  ListHook* next = nullptr;
  ListHook* prev = nullptr;
};

// Hook is a base class of T: ListHook, or a class derived from it where T is in several lists.
template <typename T, typename Hook = ListHook>
class List {
 public:
  List() { head_.next = head_.prev = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) pop_front();
    head_.next = head_.prev = nullptr;
  }

  bool empty() const { return head_.next == &head_; }
  T* front() const { return empty() ? nullptr : owner(head_.next); }
  T* back() const { return empty() ? nullptr : owner(head_.prev); }
  T* next(const T& node) const {
    ListHook* n = static_cast<const Hook&>(node).next;
    return n == &head_ ? nullptr : owner(n);
  }
  T* previous(const T& node) const {
    ListHook* p = static_cast<const Hook&>(node).prev;
    return p == &head_ ? nullptr : owner(p);
  }
  void push_back(T& node) { insert_before(head_, static_cast<Hook&>(node)); }
  void push_front(T& node) { insert_before(*head_.next, static_cast<Hook&>(node)); }
  static void remove(T& node) { static_cast<Hook&>(node).unlink(); }
  T* pop_front() {
    T* node = front();
    if (node) remove(*node);
    return node;
  }
  // Orders by `less(const T&, const T&)`; equal ones stay as they are. O(n log n), allocates
  // nothing.
  template <typename Less>
  void sort(Less less) {
    // Sorted runs; the one at place i has 2^i nodes, or none.
    constexpr size_t kRuns = 48;
    List runs[kRuns];
    while (T* node = pop_front()) {
      List run;
      run.push_back(*node);
      size_t i = 0;
      for (; i + 1 < kRuns && !runs[i].empty(); ++i) {
        runs[i].merge(run, less);
        run.splice_back(runs[i]);
      }
      runs[i].splice_back(run);
    }
    for (List& run : runs) {
      run.merge(*this, less);
      splice_back(run);
    }
  }
  // Moves all of `from` to the end, in order; `from` is another list. Constant time.
  void splice_back(List& from) {
    if (from.empty()) return;
    ListHook* first = from.head_.next;
    ListHook* last = from.head_.prev;
    from.head_.next = from.head_.prev = &from.head_;
    first->prev = head_.prev;
    last->next = &head_;
    head_.prev->next = first;
    head_.prev = last;
  }

 private:
  static T* owner(ListHook* hook) { return static_cast<T*>(static_cast<Hook*>(hook)); }
  static void insert_before(ListHook& at, ListHook& node) {
    node.prev = at.prev;
    node.next = &at;
    at.prev->next = &node;
    at.prev = &node;
  }

  // Takes in another sorted list, whose nodes come after equal ones of this.
  template <typename Less>
  void merge(List& from, Less less) {
    List merged;
    while (!empty() && !from.empty())
      merged.push_back(*(less(*from.front(), *front()) ? from : *this).pop_front());
    merged.splice_back(*this);
    merged.splice_back(from);
    splice_back(merged);
  }

  mutable ListHook head_;
};

}  // namespace fakegpu::base
