// SPDX-License-Identifier: MIT
// What DRM's fences and syncobjs do, as simply as it can be said: no callbacks, no garbage
// collection; everything is looked at afresh. For comparing the driver with.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <vector>

namespace fakegpu::tests::model {

struct Fence {
  virtual ~Fence() = default;
  virtual bool signaled() const = 0;
};
using FenceRef = std::shared_ptr<const Fence>;

// A fence of a sw_sync timeline, or, once `done`, a stub.
struct Leaf final : Fence {
  explicit Leaf(bool is_done) : done(is_done) {}
  bool signaled() const override { return done; }
  bool done;
};

// What a merge gives.
struct All final : Fence {
  explicit All(std::vector<FenceRef> fences) : members(std::move(fences)) {}
  bool signaled() const override {
    return std::ranges::all_of(members, [](const FenceRef& fence) { return fence->signaled(); });
  }
  std::vector<FenceRef> members;
};

struct Node final : Fence {
  bool signaled() const override {
    for (const Fence* at = this; at != nullptr;) {
      const Node* node = dynamic_cast<const Node*>(at);
      if (!(node ? *node->contained : *at).signaled()) return false;
      at = node ? node->previous.get() : nullptr;
    }
    return true;
  }
  // The next older fence that is not done.
  FenceRef older() const {
    FenceRef at = previous;
    while (at) {
      const Node* node = dynamic_cast<const Node*>(at.get());
      if (!(node ? *node->contained : *at).signaled()) break;
      at = node ? node->previous : nullptr;
    }
    return at;
  }

  FenceRef previous;
  FenceRef contained;
  uint64_t seqno = 0;
  uint64_t context = 0;
  uint64_t previous_seqno = 0;
};

inline FenceRef stub() {
  return std::make_shared<Leaf>(true);
}

struct Box {
  FenceRef fence;

  void add(FenceRef contained, uint64_t point) {
    static uint64_t contexts = 0;
    auto node = std::make_shared<Node>();
    const Node* before = dynamic_cast<const Node*>(fence.get());
    const bool joins = before && point > before->seqno;
    node->context = joins ? before->context : ++contexts;
    node->seqno = before ? std::max(point, before->seqno) : point;
    node->previous_seqno = joins ? before->seqno : 0;
    node->previous = fence;
    node->contained = std::move(contained);
    fence = std::move(node);
  }
  void put(FenceRef with, uint64_t point) {
    if (point == 0)
      fence = std::move(with);
    else
      add(std::move(with), point);
  }

  // 0 and the fence for the point, null if that is past and gone; or -EINVAL.
  int find(uint64_t point, FenceRef& out) const {
    out = fence;
    if (!fence) return -EINVAL;
    if (point == 0) return 0;
    const Node* head = dynamic_cast<const Node*>(fence.get());
    if (!head || head->seqno < point) return -EINVAL;
    while (const Node* node = dynamic_cast<const Node*>(out.get())) {
      if (node->context != head->context || node->previous_seqno < point) break;
      out = node->older();
    }
    return 0;
  }

  uint64_t query(bool last_submitted) const {
    const Node* head = dynamic_cast<const Node*>(fence.get());
    if (!head) return 0;
    if (last_submitted) return head->seqno;
    FenceRef keep = fence;
    const Node* last = head;
    for (;;) {
      FenceRef below = last->older();
      const Node* next = dynamic_cast<const Node*>(below.get());
      if (!next || next->context != head->context) break;
      last = next;
      keep = std::move(below);
    }
    return last->signaled() ? last->seqno : last->previous_seqno;
  }
};
using BoxRef = std::shared_ptr<Box>;

// A wait as it stands: each entry keeps the first fence that it saw.
struct Wait {
  struct Entry {
    BoxRef box;
    uint64_t point;
    bool latched = false;
    FenceRef fence;
  };
  std::vector<Entry> entries;
  bool all = false;
  bool for_submit = false;
  bool available = false;

  bool satisfied(const Entry& entry) const {
    return entry.latched && (available || !entry.fence || entry.fence->signaled());
  }
  void look() {
    for (Entry& entry : entries) {
      if (entry.latched) continue;
      FenceRef fence;
      if (entry.box->find(entry.point, fence) != 0) continue;
      entry.latched = true;
      entry.fence = std::move(fence);
    }
  }
  // An entry that nobody has submitted fails the whole call, unless it may wait for that.
  bool invalid() const {
    return !for_submit && !available &&
           !std::ranges::all_of(entries, [](const Entry& entry) { return entry.latched; });
  }
  // The first entry that is satisfied; entries.size(): none.
  size_t first() const {
    const auto found =
        std::ranges::find_if(entries, [this](const Entry& entry) { return satisfied(entry); });
    return static_cast<size_t>(found - entries.begin());
  }
  bool done() const {
    const auto count =
        std::ranges::count_if(entries, [this](const Entry& entry) { return satisfied(entry); });
    return all ? count == std::ranges::ssize(entries) : count > 0;
  }
};

// An eventfd's registration.
struct Event {
  std::weak_ptr<Box> box;
  uint64_t point;
  bool available;
  bool latched = false;
  FenceRef fence;

  bool fires() {
    if (!latched) {
      const BoxRef alive = box.lock();
      if (!alive || alive->find(point, fence) != 0) return false;
      latched = true;
    }
    return available || !fence || fence->signaled();
  }
};

}  // namespace fakegpu::tests::model
