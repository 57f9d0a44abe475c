// SPDX-License-Identifier: MIT
#include "fence/chain.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace fakegpu::fence {

Chain* Chain::from(Fence* fence) {
  return fence && fence->kind() == Kind::kChain ? static_cast<Chain*>(fence) : nullptr;
}

base::Ref<Chain> Chain::create(Contexts& contexts, FenceRef previous, FenceRef contained,
                               uint64_t seqno) {
  assert(contained && contained->kind() != Kind::kChain);
  const Chain* before = from(previous.get());
  const bool joins = before && seqno > before->seqno();
  const uint64_t context = joins ? before->context() : contexts.allocate();
  if (before) seqno = std::max(seqno, before->seqno());
  auto node =
      base::Ref<Chain>::adopt(new Chain(context, seqno, std::move(previous), std::move(contained)));
  if (joins) node->previous_seqno_ = before->seqno();
  if (before) {
    node->length_ = before->length_ + 1;
    node->collect_at_ = before->collect_at_;
  }
  return node;
}

Chain::Chain(uint64_t context, uint64_t seqno, FenceRef previous, FenceRef contained)
    : Fence(context, seqno, Kind::kChain),
      previous_(std::move(previous)),
      contained_(std::move(contained)) {}

Chain::~Chain() {
  // Before contained_ goes: it must not find this among its listeners.
  unlink();
  FenceRef link = std::move(previous_);
  while (Chain* node = from(link.get())) {
    if (node->ref_count() != 1) break;
    link = std::move(node->previous_);
  }
}

FenceRef Chain::walk() {
  const FenceRef self(this);
  // Listening to something below: that is about to be dropped, and so has to be chosen anew.
  const bool listens_below = linked() && contained_->test_signaled();
  bool unheard = false;
  FenceRef below;
  while ((below = previous_)) {
    Chain* node = from(below.get());
    Fence& own = node ? *node->contained_ : *below;
    if (!below->test_signaled() && !own.is_signaled()) break;
    if (previous_ != below) continue;  // what is_signaled() called has walked here too
    if (listens_below && !unheard) {
      unlink();
      unheard = true;
    }
    done_at_ = std::max({done_at_, own.timestamp(), node ? node->done_at_ : 0});
    previous_ = node ? node->previous_ : nullptr;
  }
  if (unheard) {
    if (!arm()) complete();
    below = previous_;
  }
  return below;
}

void Chain::collect() {
  if (length_ < collect_at_) return;
  uint32_t length = 1;
  FenceRef node(this);
  while (Chain* chain = from(node.get())) {
    node = chain->walk();
    if (node) ++length;
  }
  length_ = length;
  collect_at_ = 2 * length + kCollectSlack;
}

int Chain::find_seqno(FenceRef& fence, uint64_t seqno) {
  if (seqno == 0) return 0;
  const FenceRef head = fence;
  if (!from(head.get()) || head->seqno() < seqno) return -EINVAL;
  while (Chain* node = from(fence.get())) {
    if (node->context() != head->context() || node->previous_seqno_ < seqno) break;
    fence = node->walk();
  }
  return 0;
}

uint64_t Chain::last_signaled(const FenceRef& head) {
  FenceRef last = head;
  Chain* node = from(last.get());
  if (!node) return 0;
  const uint64_t context = node->context();
  for (;;) {
    FenceRef below = node->walk();
    Chain* next = from(below.get());
    if (!next || next->context() != context) break;
    node = next;
    last = std::move(below);
  }
  return node->is_signaled() ? node->seqno() : node->previous_seqno_;
}

bool Chain::do_enable_signaling() {
  if (arm()) return true;
  complete();
  return false;
}

bool Chain::poll_signaled() {
  if (!contained_->is_signaled() || walk()) return false;
  complete();
  return true;
}

void Chain::do_set_deadline(base::Nanos when) {
  contained_->set_deadline(when);
  FenceRef below = walk();
  while (Chain* node = from(below.get())) {
    // A node that knows of an earlier one has told all below it.
    if (!node->keep_deadline(when)) return;
    node->contained_->set_deadline(when);
    below = node->walk();
  }
  if (below) below->set_deadline(when);
}

void Chain::do_urge(Urgency& urgency) {
  contained_->urge(urgency);
  FenceRef below = walk();
  while (Chain* node = from(below.get())) {
    if (!urgency.visit()) return;
    node->contained_->urge(urgency);
    below = node->walk();
  }
  if (below) below->urge(urgency);
}

// Listens to this node's own fence or, when that is done, to the newest older one that is not.
// False if there is none.
bool Chain::arm() {
  if (contained_->add_callback(*this) == 0) return true;
  while (const FenceRef below = walk()) {
    Chain* node = from(below.get());
    if (!node) {
      if (below->add_callback(*this) == 0) return true;
      continue;
    }
    // Its own fence first: if that is done when asked, node->enable_signaling() would go on to the
    // next older node from inside, one frame of stack for each.
    node->contained_->enable_signaling();
    if (node->contained_->test_signaled()) continue;
    node->enable_signaling();
    node->dependents_.push_back(static_cast<Callback&>(*this));
    return true;
  }
  return false;
}

void Chain::fence_signaled(Fence&) {
  const FenceRef self(this);
  if (!arm()) complete();
}

// Signals this node and every node that only waited for it.
void Chain::complete() {
  unlink();
  base::List<Callback> ready;
  finish(ready);
  while (Callback* next = ready.pop_front()) static_cast<Chain*>(next)->finish(ready);
}

void Chain::finish(base::List<Callback>& ready) {
  const base::Nanos when = std::max(done_at_, contained_->timestamp());
  while (Callback* waiter = dependents_.pop_front()) {
    Chain* dependent = static_cast<Chain*>(waiter);
    dependent->done_at_ = std::max(dependent->done_at_, when);
    ready.push_back(*waiter);
  }
  previous_.reset();
  signal(when);
}

}  // namespace fakegpu::fence
